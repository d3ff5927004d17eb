import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Bind, RunOptions, Sandbox } from '../machine/program.ts';
import type { Workspace } from '../work/workspace.ts';

/** A folder of the workspace's user, and the path by which a sandbox has it: nothing outside of it can be written there. */
export type BuildFolder = Bind;

/** Where sandboxes have the folders of a build: their paths are the same for each build, whatever the work folder is called. */
export function buildFolder(from: string, label: string): BuildFolder {
  return { from, to: `/build/${label}` };
}

/** A sandbox for what is made of foreign data: it may write to the folders, and take so much and no more. */
export function buildSandbox(writable: readonly BuildFolder[], readOnly: readonly Bind[] = []): Sandbox {
  return { readOnly, writable, limits: LIMITS.build };
}

/** Runs a program of this machine in such a sandbox, as the workspace's user. */
export function runBoxed(
  { machine, user }: Pick<Workspace, 'machine' | 'user'>,
  argv: Parameters<Workspace['machine']['run']>[0],
  sandbox: Sandbox,
  options: Omit<RunOptions, 'effect' | 'user' | 'sandbox'> = {},
): ReturnType<Workspace['machine']['run']> {
  return machine.run(argv, { effect: 'write', ...options, user, sandbox });
}

/** Ends with status 3 where there is no such file, or a link in its place. */
const READ = '[ -f "$1" ] && ! [ -L "$1" ] || exit 3; exec cat -- "$1"';
/** Debug information is many times as much as the module, and no distro ships it there. */
const READ_MODULE = '[ -f "$1" ] && ! [ -L "$1" ] || exit 3; strip --strip-debug "$1" && exec cat -- "$1"';
const NO_FILE = 3;

/**
 * Reads a file that a build has left; undefined where there is none. A program of the sandbox reads it: any folder above
 * it may have become a link that leads root's own process anywhere.
 */
export async function readBuilt(
  workspace: Pick<Workspace, 'machine' | 'user'>,
  folder: BuildFolder,
  file: string,
  what: 'file' | 'module',
): Promise<Buffer | undefined> {
  const argv = ['sh', '-c', what === 'module' ? READ_MODULE : READ, 'sh', `${folder.to}/${file}`] as const;
  const { status, stdout, stderr } = await runBoxed(workspace, argv, buildSandbox([folder]));
  if (status === 0) return stdout;
  if (status === NO_FILE) return undefined;
  throw failure(
    'E_BUILD',
    `what make has left as ${file} cannot be read: ${stderr.trim().split('\n')[0]}`,
    'give another --toolchain: this one makes no kernel modules',
  );
}

/** How often the disk is looked at. */
const LOOK_MS = 250;

/**
 * Calls `stop` when a build has written more than it may. Limits of the kernel hold for one file only; so the disk's free
 * space is watched, and where it has shrunk by so much, the folder is measured: others write to that disk, too.
 */
export function watchDisk(
  workspace: Pick<Workspace, 'machine' | 'user'>,
  folder: BuildFolder,
  limit: number,
  stop: (reason: Error) => void,
): { end(): void } {
  const { machine } = workspace;
  let before: number | undefined;
  let looking = false;
  const look = async (): Promise<void> => {
    const free = await machine.freeSpace(folder.from);
    before ??= free;
    if (before - free < limit) return;
    const argv = ['du', '-s', '-B1', '--', folder.to] as const;
    const { stdout } = await runBoxed(workspace, argv, { readOnly: [folder], writable: [] });
    const size = Number(/^\d+/.exec(stdout.toString('latin1'))?.[0] ?? 0);
    if (size >= limit) stop(tooMuch(size, limit));
    // What others have written is no more to be asked about.
    else before = free + size;
  };
  const turn = (): void => {
    if (looking) return;
    looking = true;
    look()
      .catch(() => {})
      .finally(() => {
        looking = false;
      });
  };
  turn();
  const timer = setInterval(turn, LOOK_MS);
  return { end: () => clearInterval(timer) };
}

function tooMuch(size: number, limit: number): Error {
  const [has, may] = [size, limit].map((bytes) => `${Math.round(bytes / 1024 / 1024)} MB`);
  return failure(
    'E_BUILD',
    `the build has written ${has}, more than the ${may} that it may`,
    'a Makefile of the source or the headers fills the disk: check where they come from',
  );
}
