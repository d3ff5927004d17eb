import { join } from 'node:path';
import { Header } from 'tar';
import { failure } from '../errors.ts';
import type { Headers } from '../kernel-source/headers.ts';
import type { RunOptions } from '../machine/program.ts';
import type { Progress } from '../progress.ts';
import type { Workspace } from '../work/workspace.ts';
import {
  type BuildFolder,
  buildFolder,
  buildSandbox,
  readBuilt,
  runBoxed,
  watchDisk,
} from './build-sandbox.ts';
import { firstError, hintFor } from './first-error.ts';
import { MODULE_LABEL, type Order, orderFor } from './order.ts';
import { type Recipe, requireRecipe } from './recipes.ts';
import { runTool, type Toolchain } from './toolchain/toolchain.ts';

export interface CompileOptions {
  readonly workspace: Workspace;
  readonly headers: Pick<Headers, 'folder' | 'binds' | 'version' | 'ready'>;
  /** The driver's folder as it is to be compiled. While it is still on its way, make does all that it can without. */
  readonly files: Files | Promise<Files>;
  /** Module name: mptscsih, or mptscsi on RHEL 4. */
  readonly module: string;
  /** A name for the folder in the workspace: `patched`. */
  readonly label: string;
  /** NAME=VALUE words for make. */
  readonly makeVars?: readonly string[];
  readonly toolchain: Toolchain;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Who makes another module by the same commands: make is told to say them. */
  readonly heardBy?: KbuildListener | undefined;
}

/** Hears what kbuild does. */
interface KbuildListener {
  /** It works in this folder of the workspace. */
  kbuildIn(folder: string): void;
  /** A line of its output. */
  hear(line: string): void;
}

export interface Compiled {
  /** The module as the linker wrote it, without debug information. */
  readonly bytes: Buffer;
  readonly log: string;
  readonly command: readonly string[];
  /** Made without make, by these commands, which kbuild recorded when it made the patched module. */
  readonly replayed?: readonly string[];
  /** Why make built the unchanged source too, where those commands did not serve. */
  readonly whyMake?: string;
}

/** What make said, and how it ended. */
interface MakeResult {
  readonly status: number;
  readonly lines: readonly string[];
  /** The command, and all that it said. */
  readonly log: string;
}

/**
 * Compiles the one module against the headers, as the workspace's unprivileged user, in a sandbox: make runs what the
 * Makefiles of a guest say.
 * Throws E_BUILD with the compiler's first error and the log's path; what `files` is rejected with, once make has ended.
 */
export async function compileModule(options: CompileOptions): Promise<Compiled> {
  const { workspace, headers, module, files, signal } = options;
  const recipe = requireRecipe(headers.version);
  await headers.ready?.();
  const isAhead = files instanceof Promise;
  const first = new Map(isAhead ? [rules(options, recipe, WAIT)] : []);
  const folder = buildFolder(await workspace.userFolder(options.label, first), MODULE_LABEL);
  const order = await orderFor(talkative(options), recipe, folder);
  options.heardBy?.kbuildIn(folder.from);
  const result = isAhead
    ? await makeAhead(options, recipe, order, files)
    : await makeNow(options, recipe, order, files);
  signal.throwIfAborted();
  const { status, lines, log } = result;
  const bytes = status === 0 ? await readBuilt(workspace, folder, `${module}.ko`, 'module') : undefined;
  if (bytes !== undefined) return { bytes, log, command: order.command };
  throw await buildFailed(workspace, module, lines, log);
}

/** With V=1 kbuild says each command before it runs it. What the user says of V counts. */
function talkative(options: CompileOptions): CompileOptions {
  if (options.heardBy === undefined) return options;
  return { ...options, makeVars: ['V=1', ...(options.makeVars ?? [])] };
}

/** E_BUILD with the compiler's first error, and the log where it stays. */
export async function buildFailed(
  workspace: Pick<Workspace, 'keepLog'>,
  module: string,
  lines: readonly string[],
  log: string,
): Promise<Error> {
  return failure(
    'E_BUILD',
    `${module}.ko could not be built: ${firstError(lines)}`,
    hintFor(lines) ?? 'read the log; most often the headers or the compiler are not those of the kernel',
    { log: await workspace.keepLog('build', log) },
  );
}

async function makeNow(
  options: CompileOptions,
  recipe: Recipe,
  order: Order,
  files: Files,
): Promise<MakeResult> {
  await layOut(options.workspace, order.folder, '.', withRules(options, recipe, files));
  return runMake(options, order, { signal: options.signal });
}

/**
 * Starts make before the driver is there. Some third of a module's build is make's own: it tries some thirty options
 * of the compiler before it reads the module's Kbuild, which is there. In it make waits for the end of its standard input.
 */
async function makeAhead(
  options: CompileOptions,
  recipe: Recipe,
  order: Order,
  coming: Promise<Files>,
): Promise<MakeResult> {
  const { workspace } = options;
  const { folder } = order;
  const stopper = new AbortController();
  const laidOut = coming.then((files) => layOut(workspace, folder, '.', driverFiles(recipe, files)));
  const making = runMake(options, order, {
    signal: AbortSignal.any([options.signal, stopper.signal]),
    inputComes: emptyUntil(laidOut),
  });
  const first = await Promise.race([
    laidOut.then(() => 'files' as const),
    making.then(() => 'make' as const),
  ]).catch(async (error: unknown) => {
    stopper.abort();
    await making;
    throw error;
  });
  const result = first === 'files' ? await making : undefined;
  if (result?.status === 0 || (result !== undefined && (await hasWaited(workspace, folder)))) return result;
  // It did not wait: a make that gives its children no standard input, or one that cannot continue in any case.
  options.signal.throwIfAborted();
  return makeNow(options, recipe, order, await coming);
}

// biome-ignore lint/correctness/useYield: there is nothing to read, and it ends late
async function* emptyUntil(settled: Promise<unknown>): AsyncGenerator<string> {
  await settled;
}

/** What make leaves when it has read its standard input to the end. */
const WAITED = '.mptfix-waited';
const WAIT = `# make reads on when the driver is there: then its standard input ends.\n$(shell cat; : >$(src)/${WAITED})\n`;

/** Make may have ended just when the driver came: it failed, and has seen nothing of it. */
async function hasWaited(workspace: CompileOptions['workspace'], folder: BuildFolder): Promise<boolean> {
  return (await readBuilt(workspace, folder, WAITED, 'file')) !== undefined;
}

/** The driver's own Makefile where another is read in its place. */
const OWN_MAKEFILE = 'Makefile.driver';

/** Keeps the driver's own flags, and builds nothing but the one module. */
function rules(
  { module }: Pick<CompileOptions, 'module'>,
  { reads }: Recipe,
  before = '',
): readonly [string, Buffer] {
  const own = reads === 'Makefile' ? OWN_MAKEFILE : 'Makefile';
  return [reads, Buffer.from(`${before}include $(src)/${own}\nobj-y :=\nobj-m := ${module}.o\n`)];
}

function driverFiles({ reads }: Recipe, files: Files): Files {
  if (reads !== 'Makefile') return files;
  return new Map([...files].map(([name, content]) => [name === 'Makefile' ? OWN_MAKEFILE : name, content]));
}

/** The driver's folder as make is to find it: with rules that build nothing but the one module. */
export function withRules(options: Pick<CompileOptions, 'module'>, recipe: Recipe, files: Files): Files {
  return new Map([...driverFiles(recipe, files), rules(options, recipe)]);
}

const NOTE_LENGTH = 200;

type MakeOptions = Pick<CompileOptions, 'workspace' | 'toolchain' | 'progress' | 'heardBy'>;

/** Runs make in the toolchain's sandbox, as the workspace's unprivileged user. Throws E_BUILD where it fills the disk. */
export async function runMake(
  { workspace, toolchain, progress, heardBy }: MakeOptions,
  { command, folder, seenAt, readOnly, maxBytes }: Order,
  { signal, ...more }: Pick<RunOptions, 'input' | 'inputComes'> & { readonly signal: AbortSignal },
): Promise<MakeResult> {
  const lines: string[] = [];
  const stopper = new AbortController();
  const disk = watchDisk(workspace, folder, maxBytes, (reason) => stopper.abort(reason));
  const sandbox = buildSandbox([{ from: folder.from, to: seenAt }], readOnly);
  const { status } = await runTool(toolchain, workspace, command, sandbox, {
    env: { TMPDIR: seenAt, HOME: seenAt },
    onLine: (line) => {
      lines.push(line);
      heardBy?.hear(line);
      // What is longer is a command that make says, and of no use to a person who waits.
      if (line.trim() !== '' && line.length <= NOTE_LENGTH) progress.note(line.trim());
    },
    signal: AbortSignal.any([signal, stopper.signal]),
    ...more,
  }).finally(() => disk.end());
  stopper.signal.throwIfAborted();
  return { status, lines, log: `${command.join(' ')}\n${lines.join('\n')}\n` };
}

/** Files by their path below a folder. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** A tar comes in units of so many bytes (POSIX.1-2008, pax, ustar interchange format). */
const UNIT = 512;

/**
 * Puts files into a folder of the workspace's user. tar writes them in a sandbox that has nothing else: what runs in the
 * folder may have put a link there meanwhile.
 */
export async function layOut(
  workspace: Pick<Workspace, 'machine' | 'user'>,
  folder: BuildFolder,
  below: string,
  files: Files,
): Promise<void> {
  const argv = ['tar', '-x', '-m', '--no-same-owner', '-C', join(folder.to, below), '-f', '-'] as const;
  const result = await runBoxed(workspace, argv, buildSandbox([folder]), { input: tarOf(files) });
  if (result.status !== 0) throw new Error(`the source cannot be copied: ${result.stderr.trim()}`);
}

function tarOf(files: Files): Buffer {
  const parts: Uint8Array[] = [];
  for (const [path, content] of files) {
    const header = Buffer.alloc(UNIT);
    const needsMore = new Header({ path, size: content.length, mode: 0o644, type: 'File' }).encode(header, 0);
    if (needsMore) throw new Error(`no file of the driver has such a long name: ${path}`);
    parts.push(header, content, Buffer.alloc((UNIT - (content.length % UNIT)) % UNIT));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * UNIT)]);
}
