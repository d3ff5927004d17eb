import { join } from 'node:path';
import { failure } from '../errors.ts';
import type { Argv } from '../machine/port.ts';
import type { Progress } from '../progress.ts';
import type { Workspace } from '../work/workspace.ts';
import { firstError } from './first-error.ts';
import { type Files, layOut } from './lay-out.ts';
import { recipeFor } from './recipes.ts';

export interface CompileOptions {
  readonly workspace: Workspace;
  /** A prepared build folder of the kernel, and its VERSION.PATCHLEVEL.SUBLEVEL. */
  readonly headers: { readonly folder: string; readonly version: { readonly base: string } };
  /** The driver's folder as it shall be compiled. While it is still on its way, make does all that it can without. */
  readonly files: Files | Promise<Files>;
  /** Module name: mptscsih, or mptscsi on RHEL 4. */
  readonly module: string;
  /** A name for the folder in the workspace: `patched`. */
  readonly label: string;
  /** NAME=VALUE words for make. */
  readonly makeVars?: readonly string[];
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

export interface Compiled {
  /** The module as the linker wrote it, without debug information. */
  readonly bytes: Buffer;
  readonly log: string;
  readonly command: readonly string[];
}

interface Order {
  readonly command: Argv;
  /** The driver's, where make works. */
  readonly folder: string;
}

/** What make said, and how it ended. */
interface Made {
  readonly status: number;
  readonly lines: readonly string[];
}

/**
 * Compiles the one module against the headers, as the workspace's unprivileged user.
 * Throws E_BUILD with the compiler's first error and the log's path; what `files` is rejected with, once make has ended.
 */
export async function compileModule(options: CompileOptions): Promise<Compiled> {
  const { workspace, headers, module, files, signal } = options;
  const { machine } = workspace;
  const recipe = recipeFor(headers.version.base);
  if (recipe === undefined) {
    throw failure(
      'E_BUILD',
      `no way is known to build one module for a kernel ${headers.version.base}`,
      'build the module by hand as the kernel’s documentation says; 2.4 kernels never had the bug',
    );
  }
  const folder = await workspace.userFolder(options.label);
  const command = [...recipe.make(headers.folder, folder), ...(options.makeVars ?? [])] as const;
  const made =
    files instanceof Promise
      ? await makeAhead(options, { command, folder }, files)
      : await makeNow(options, { command, folder }, files);
  signal?.throwIfAborted();
  const log = `${command.join(' ')}\n${made.lines.join('\n')}\n`;
  const output = join(folder, `${module}.ko`);
  const built = await machine.lstat(output);
  if (made.status !== 0 || built?.type !== 'file') throw await buildFailure(options, made.lines, log);
  await stripDebug(workspace, output);
  return { bytes: await machine.read(output), log, command };
}

async function makeNow(options: CompileOptions, order: Order, files: Files): Promise<Made> {
  await layOut(options.workspace, order.folder, new Map([...files, kbuild(options)]));
  return runMake(options, order, options.signal);
}

/**
 * Starts make before the driver is there. Some third of a module's build is make's own: it tries some thirty options
 * of the compiler before it reads the module's Kbuild. There it waits, for the end of its standard input.
 */
async function makeAhead(options: CompileOptions, order: Order, coming: Promise<Files>): Promise<Made> {
  const { workspace } = options;
  const { folder } = order;
  await layOut(workspace, folder, new Map([kbuild(options, WAIT)]));
  const stopper = new AbortController();
  const laidOut = coming.then((files) => layOut(workspace, folder, files));
  const making = runMake(options, order, eitherOf(options.signal, stopper.signal), laidOut);
  const first = await Promise.race([
    laidOut.then(() => 'files' as const),
    making.then(() => 'make' as const),
  ]).catch(async (error: unknown) => {
    stopper.abort();
    await making;
    throw error;
  });
  if (first === 'files') return making;
  // It did not wait: a make that gives its children no standard input, or one that cannot go on in any case.
  options.signal?.throwIfAborted();
  return makeNow(options, order, await coming);
}

const WAIT = '# make reads on when the driver is there: then its standard input ends.\n$(shell cat)\n';

/** Keeps the driver's own flags, and builds nothing but the one module. */
function kbuild({ module }: CompileOptions, before = ''): readonly [string, Buffer] {
  return ['Kbuild', Buffer.from(`${before}include $(src)/Makefile\nobj-y :=\nobj-m := ${module}.o\n`)];
}

async function runMake(
  { workspace, progress }: CompileOptions,
  { command, folder }: Order,
  signal: AbortSignal | undefined,
  inputEnds?: Promise<unknown>,
): Promise<Made> {
  const { machine, user } = workspace;
  const lines: string[] = [];
  const { status } = await machine.run(command, {
    effect: 'write',
    env: { TMPDIR: folder, HOME: folder },
    onLine: (line) => {
      lines.push(line);
      if (line.trim() !== '') progress.note(line.trim());
    },
    ...(inputEnds === undefined ? {} : { inputEnds }),
    ...(user === undefined ? {} : { user }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { status, lines };
}

function eitherOf(one: AbortSignal | undefined, other: AbortSignal): AbortSignal {
  return one === undefined ? other : AbortSignal.any([one, other]);
}

async function buildFailure(
  { module, workspace }: CompileOptions,
  lines: readonly string[],
  log: string,
): Promise<Error> {
  return failure(
    'E_BUILD',
    `${module}.ko could not be built: ${firstError(lines)}`,
    'read the log; most often the headers or the compiler are not those of the kernel',
    { log: await workspace.keepLog('build', log) },
  );
}

/** Debug information is many times the module, and no distro ships it there. */
export async function stripDebug({ machine, user }: Workspace, path: string): Promise<void> {
  const options = { effect: 'write', ...(user === undefined ? {} : { user }) } as const;
  const result = await machine.run(['strip', '--strip-debug', path], options);
  if (result.status !== 0) throw new Error(`strip failed: ${result.stderr.trim()}`);
}
