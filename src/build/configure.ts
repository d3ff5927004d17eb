import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { failure } from '../errors.ts';
import type { Argv } from '../machine/port.ts';
import { requireTools, type Tool } from '../machine/tools.ts';
import type { Progress } from '../progress.ts';
import type { Workspace } from '../work/workspace.ts';
import { firstError } from './first-error.ts';

/** What a kernel's own scripts need beside the compiler. */
const CONFIGURE_TOOLS: readonly Tool[] = [
  { name: 'make', package: 'make' },
  { name: 'flex', package: 'flex' },
  { name: 'bison', package: 'bison' },
  { name: 'bc', package: 'bc' },
];

/** A whole kernel tree in the workspace, and how make is run in it. */
export interface TreeOptions {
  readonly workspace: Workspace;
  readonly tree: string;
  /** As `uname -r` says on the guest: a distro sets it beside the tree's own version. */
  readonly release: string;
  readonly makeVars: readonly string[];
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface ConfigureOptions extends TreeOptions {
  /** The guest's own `.config`. */
  readonly config: string;
  /** The distro's Module.symvers; without it a kernel with modversions would refuse the module. */
  readonly symvers: Buffer | undefined;
}

/**
 * The article's way: the guest's `.config`, `make oldconfig` (every new question takes its default), `make
 * modules_prepare`; after it the tree serves as a build folder. Throws E_BUILD with the log's path.
 */
export async function configureTree(options: ConfigureOptions): Promise<void> {
  const { workspace, tree, config, symvers, progress } = options;
  await requireTools(workspace.machine, CONFIGURE_TOOLS);
  await workspace.machine.write(join(tree, '.config'), config);
  if (symvers !== undefined) await workspace.machine.write(join(tree, 'Module.symvers'), symvers);
  await workspace.handOver(tree);
  for (const goal of ['oldconfig', 'modules_prepare']) {
    progress.note(`make ${goal}`);
    await makeGoal(options, goal);
  }
}

/** Runs one goal of the tree's own Makefile as the unprivileged user. Throws E_BUILD with the log's path. */
export async function makeGoal(
  options: TreeOptions,
  goal: string,
): Promise<{ readonly command: Argv; readonly log: string }> {
  const { workspace, tree, release, makeVars, progress, signal } = options;
  const command: Argv = ['make', '-C', tree, goal, `KERNELRELEASE=${release}`, `-j${CORES}`, ...makeVars];
  const lines: string[] = [];
  const result = await workspace.machine.run(command, {
    effect: 'write',
    // An empty line answers every question with its default.
    input: '\n'.repeat(4096),
    env: { HOME: tree, TMPDIR: tree },
    signal,
    onLine: (line) => {
      lines.push(line);
      if (line.trim() !== '') progress.note(line.trim());
    },
    ...(workspace.user === undefined ? {} : { user: workspace.user }),
  });
  signal.throwIfAborted();
  const log = `${command.join(' ')}\n${lines.join('\n')}\n`;
  if (result.status === 0) return { command, log };
  throw failure(
    'E_BUILD',
    `make ${goal} failed: ${firstError(lines)}`,
    'read the log; a kernel’s scripts may need libelf-dev and libssl-dev beside flex, bison and bc',
    { log: await workspace.keepLog('build', log) },
  );
}

/** Two builds run side by side elsewhere; a whole tree may have all cores. */
const CORES = availableParallelism();
