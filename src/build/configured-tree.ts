import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { satisfies } from 'semver';
import { failure } from '../errors.ts';
import { treeVersion } from '../kernel-source/driver-files.ts';
import type { Headers } from '../kernel-source/headers.ts';
import { wholeTree } from '../kernel-source/unpack.ts';
import { LIMITS } from '../limits.ts';
import type { TargetReads } from '../machine/port.ts';
import type { Argv } from '../machine/program.ts';
import type { Tool } from '../machine/tools.ts';
import { localTarget } from '../machine/tree.ts';
import { defined } from '../optional.ts';
import type { Progress } from '../progress.ts';
import type { Workspace } from '../work/workspace.ts';
import { type BuildFolder, buildFolder, buildSandbox, readBuilt, runBoxed } from './build-sandbox.ts';
import { type Compiled, type Files, layOut, runMake } from './compile.ts';
import { firstError, hintFor } from './first-error.ts';
import type { Job, StepContext } from './job.ts';
import { PRIVATELY_EDITED, privatelyEdited } from './private-edits.ts';
import { threeParts } from './toolchain/compilers-by-era.ts';
import { makeProgram } from './toolchain/named-tools.ts';
import { requireToolsOf, type Toolchain } from './toolchain/toolchain.ts';

/** What a kernel's own scripts need beside make and the compiler, from the kernel on that needs it. */
const CONFIGURE_TOOLS: readonly {
  readonly kernels: string;
  readonly name: string;
  readonly source: string;
}[] = [
  { kernels: '>=3.9.0', name: 'bc', source: 'kernel/Makefile of 3.9: timeconst.bc' },
  {
    kernels: '>=4.16.0',
    name: 'flex',
    source: '033dba2ec06c (4.16): no generated parsers are shipped any more',
  },
  { kernels: '>=4.16.0', name: 'bison', source: 'the same' },
];

function configureTools(base: string): readonly Tool[] {
  const needed = CONFIGURE_TOOLS.filter(({ kernels }) => satisfies(threeParts(base), kernels));
  return ['make', ...needed.map(({ name }) => name)].map((name) => ({ name, package: name }));
}

/** A whole kernel tree in the workspace, and how make is run in it. */
interface TreeOptions {
  readonly workspace: Workspace;
  readonly tree: BuildFolder;
  /** As `uname -r` says on the guest: a distro sets it beside the tree's own version. */
  readonly release: string;
  readonly makeVars: readonly string[];
  readonly toolchain: Toolchain;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Runs one goal of the tree's own Makefile. Throws E_BUILD with the log's path. */
async function makeGoal(options: TreeOptions, goal: string): Promise<Pick<Compiled, 'command' | 'log'>> {
  const { workspace, tree, release, makeVars, signal } = options;
  const command: Argv = [
    makeProgram(makeVars),
    '-C',
    tree.to,
    goal,
    `KERNELRELEASE=${release}`,
    `-j${CORES}`,
    ...makeVars,
  ];
  // An empty line answers every question with its default.
  const input = '\n'.repeat(4096);
  const order = {
    command,
    folder: tree,
    seenAt: tree.to,
    called: tree.to,
    readOnly: [],
    maxBytes: LIMITS.treeBuildBytes,
  };
  const { status, lines, log } = await runMake(options, order, { signal, input });
  signal.throwIfAborted();
  if (status === 0) return { command, log };
  throw failure(
    'E_BUILD',
    `make ${goal} failed: ${firstError(lines)}`,
    hintFor(lines) ?? 'read the log; a kernel’s scripts may need programs and libraries beside the compiler',
    { log: await workspace.keepLog('build', log) },
  );
}

/** Two builds run side by side elsewhere; a whole tree may have all cores. */
const CORES = availableParallelism();

/**
 * The article's way to its end: `make modules` of the whole, configured tree, hours for a distro's configuration. Of all
 * that it makes, the one module is taken. A second call makes again only what another driver changes.
 * `folder` is the driver's, below the tree. Throws E_BUILD.
 */
export async function makeAllModules(
  options: TreeOptions,
  { folder, module, files }: { readonly folder: string; readonly module: string; readonly files: Files },
): Promise<Compiled> {
  const { workspace, tree } = options;
  const output = join(folder, `${module}.ko`);
  // One that is there, from a tree that was built before or from the first call, must not pass for a new one.
  await runBoxed(workspace, ['rm', '-f', '--', join(tree.to, output)], buildSandbox([tree]));
  await layOut(workspace, tree, folder, files);
  const { command, log } = await makeGoal(options, 'modules');
  const bytes = await readBuilt(workspace, tree, output, 'module');
  if (bytes !== undefined) return { bytes, log, command };
  throw failure(
    'E_BUILD',
    `make modules did not build ${output}`,
    'check that the .config has CONFIG_FUSION=y and CONFIG_FUSION_SPI, _FC or _SAS as modules (--config)',
    { log: await workspace.keepLog('build', log) },
  );
}

/**
 * The article's way: unpacks the whole source at `path`, takes the guest's `.config`, `make oldconfig` (every new
 * question takes its default), `make modules_prepare`; after it the tree serves as a build folder. Without the distro's
 * Module.symvers a kernel with modversions would refuse the module. Throws E_BUILD with the log's path.
 */
export async function obtainTree(context: StepContext, path: string): Promise<Headers> {
  const { job, options, workspace, progress, signal } = context;
  const { user } = workspace;
  const toolchain = await context.toolchain;
  const { release } = job.kernel;
  const config = await findConfig(context);
  const symvers = await findSymvers(context, config);
  const from = await wholeTree(workspace, path, { progress, signal, ...defined({ user }) });
  await requireToolsOf(toolchain, configureTools(job.kernel.base ?? ''));
  const tree = buildFolder(from, 'tree');
  const own = new Map<string, Uint8Array>([['.config', Buffer.from(config)]]);
  if (symvers !== undefined) own.set('Module.symvers', symvers);
  await layOut(workspace, tree, '.', own);
  const text = async (name: string) => (await readBuilt(workspace, tree, name, 'file'))?.toString('utf8');
  const edits = await editTree(workspace, tree, (await text('Makefile')) ?? '');
  const asked: string[] = [];
  for (const goal of ['oldconfig', 'modules_prepare']) {
    progress.note(`make ${goal}`);
    const { log } = await makeGoal(
      { workspace, tree, release, makeVars: options.makeVars, toolchain, progress, signal },
      goal,
    );
    asked.push(...newQuestions(log));
  }
  const version = treeVersion((await text('Makefile')) ?? '');
  if (version === undefined) throw new Error(`${path} has a top Makefile without a version`);
  return {
    folder: tree.to,
    binds: [tree],
    digest: undefined,
    origin: [`${path}, configured`, ...toldQuestions(asked), ...edits].join('; '),
    version,
    release,
    config: (await text('.config')) ?? config,
    symvers: (await text('Module.symvers')) ?? '',
  };
}

/** What `make oldconfig` asked that the guest's configuration does not answer. Source: scripts/kconfig/conf.c. */
export function newQuestions(log: string): readonly string[] {
  return [...new Set([...log.matchAll(/\((\w+)\) (?:\[[^\]\n]*\] )?\(NEW\)/g)].map(([, name = '']) => name))];
}

function toldQuestions(names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const some = `${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`;
  return [`the configuration does not answer ${names.length} questions, which took their default: ${some}`];
}

/** Edits this copy of the tree for today's tools; answers what was edited and why. */
async function editTree(
  workspace: Workspace,
  tree: BuildFolder,
  makefile: string,
): Promise<readonly string[]> {
  const edited = new Map<string, Uint8Array>();
  const reasons: string[] = [];
  for (const file of PRIVATELY_EDITED) {
    const content = await readBuilt(workspace, tree, file, 'file');
    const edit = privatelyEdited(treeVersion(makefile) ?? '', file, content?.toString('latin1') ?? '');
    if (edit === undefined) continue;
    edited.set(file, Buffer.from(edit.text, 'latin1'));
    reasons.push(`edited ${edit.reason}`);
  }
  if (edited.size > 0) await layOut(workspace, tree, '.', edited);
  return reasons;
}

/** Where a file of the guest's own build may lie: the one that was given, its build folder, its /boot. */
function placesOf(
  { guest, headers }: Job,
  given: string | undefined,
  name: string,
  inBoot: readonly string[],
): readonly (readonly [TargetReads, string])[] {
  const machine = localTarget({ dryRun: true });
  const places: [TargetReads, string][] = [];
  if (given !== undefined) places.push([machine, given]);
  // The .config in the headers first: Debian takes CONFIG_BUILD_SALT and others out of the one in /boot.
  if (headers.kind === 'local') places.push([machine, join(headers.path, name)]);
  if (guest === undefined) return places;
  if (headers.kind === 'guest') places.push([guest, join(headers.path, name)]);
  places.push(...inBoot.map((file): [TargetReads, string] => [guest, join('/boot', file)]));
  return places;
}

/** Throws what `obtainTree` would for want of the guest's configuration: E_CONFIG_MISSING, E_HEADERS_MISSING. */
export async function requireConfiguration(context: Pick<StepContext, 'job' | 'options'>): Promise<void> {
  await findSymvers(context, await findConfig(context));
}

async function findConfig({ job, options }: Pick<StepContext, 'job' | 'options'>): Promise<string> {
  const { release } = job.kernel;
  const places = placesOf(job, options.config, '.config', [`config-${release}`]);
  for (const [reads, path] of places) {
    const text = await reads.readText(path, LIMITS.indexBytes);
    if (text !== undefined && /^CONFIG_\w+=/m.test(text)) return text;
  }
  throw failure(
    'E_CONFIG_MISSING',
    `cannot find the configuration of ${release} (${places.map(([, path]) => path).join(', ')})`,
    'give --config the guest’s /boot/config-RELEASE, or its /proc/config.gz unpacked',
  );
}

async function findSymvers(
  { job, options }: Pick<StepContext, 'job' | 'options'>,
  config: string,
): Promise<Buffer | undefined> {
  const { release } = job.kernel;
  const inBoot = [`symvers-${release}`, `symvers-${release}.gz`];
  const places = placesOf(job, options.symvers, 'Module.symvers', inBoot);
  for (const [reads, path] of places) {
    if ((await reads.stat(path))?.type !== 'file') continue;
    const content = await reads.read(path, LIMITS.indexBytes);
    return path.endsWith('.gz') ? gunzipSync(content) : content;
  }
  if (!/^CONFIG_MODVERSIONS=y/m.test(config)) return undefined;
  throw failure(
    'E_HEADERS_MISSING',
    `${release} checks the CRC of every symbol, and its Module.symvers was not found`,
    'give --symvers the Module.symvers of the distro’s headers package, or --headers its folder',
  );
}
