import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { failure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { makeFolders } from '../../machine/folders.ts';
import { traitsOf } from '../../machine/kinds.ts';
import type { Target } from '../../machine/port.ts';
import type { Argv } from '../../machine/program.ts';
import { mustRun } from '../../machine/tools.ts';
import { foreignPlace } from '../../owned.ts';
import { packageRoot } from '../../package-root.ts';
import { typed, typedForGuest, typedShell } from '../../typed.ts';
import { STATE_FOLDER } from '../state.ts';

/**
 * Where the copy lies. A ramfs of its own: /run is mounted noexec on many guests, and a tmpfs may be swapped out to
 * the very disk that is gone.
 */
export const MEMORY_FOLDER = `${STATE_FOLDER}/memory`;

/** Made last: the copy is whole. */
const COMPLETE = `${MEMORY_FOLDER}/complete`;

/** How the copy is started, and what it needs around it. */
export const FROM_MEMORY = {
  command: [`${MEMORY_FOLDER}/node`, `${MEMORY_FOLDER}/bin/mptfix.cjs`],
  environment: { LD_LIBRARY_PATH: `${MEMORY_FOLDER}/lib` },
} as const;

/** Of mptfix itself, beside dist/. */
const OWN_FILES: readonly string[] = ['package.json', 'bin/mptfix.cjs', 'bin/start.cjs', 'bin/load.cjs'];

interface Copy {
  readonly from: string;
  readonly to: string;
  readonly mode: number;
}

/** Copies Node, the libraries that it uses and mptfix itself into memory (about 130 MB). Does nothing the second time. */
export async function loadIntoMemory(target: Target): Promise<readonly string[]> {
  if (await isInMemory(target)) return [];
  // An interrupted run has left half a copy.
  if (await isMounted(target)) await change(target, ['umount', MEMORY_FOLDER]);
  const copies = await whatIsNeeded(target);
  const [root, node] = [packageRoot(), process.execPath];
  const sources = copies.map(({ from }) => from);
  await requireRootsOwn(target, sources, (unsafe) => moveCommand(root, node, unsafe));
  await requireMemory(target, copies);
  await makeFolders(target, MEMORY_FOLDER, 0o700);
  await change(target, ['mount', '-t', 'ramfs', '-o', 'mode=0700,nodev,nosuid', 'ramfs', MEMORY_FOLDER]);
  for (const { from, to, mode } of copies) {
    await makeFolders(target, dirname(join(MEMORY_FOLDER, to)), 0o700);
    await target.write(join(MEMORY_FOLDER, to), await readFile(from), { mode });
  }
  await target.write(COMPLETE, '', { mode: 0o600 });
  return copies.map(({ to }) => to);
}

/** Takes the copy away, and the folder around it if there is nothing else in it. */
export async function dropCopy(target: Target): Promise<void> {
  if (await isMounted(target)) await change(target, ['umount', MEMORY_FOLDER]);
  if ((await target.lstat(MEMORY_FOLDER)) !== undefined) await target.removeTree(MEMORY_FOLDER);
  const isThere = (await target.lstat(STATE_FOLDER)) !== undefined;
  if (isThere && (await target.list(STATE_FOLDER)).length === 0) await target.removeTree(STATE_FOLDER);
}

/** Takes the copy away, and with it all that the watch keeps in /run. */
export async function unloadFromMemory(target: Target): Promise<void> {
  await dropCopy(target);
  if ((await target.lstat(STATE_FOLDER)) !== undefined) await target.removeTree(STATE_FOLDER);
}

/** Whether the whole copy is there. */
export async function isInMemory(target: Target): Promise<boolean> {
  return (await isMounted(target)) && (await target.stat(COMPLETE)) !== undefined;
}

async function isMounted(target: Target): Promise<boolean> {
  return ((await target.readText('/proc/self/mounts', LIMITS.kernelBytes)) ?? '').includes(
    ` ${MEMORY_FOLDER} ramfs `,
  );
}

async function whatIsNeeded(target: Target): Promise<readonly Copy[]> {
  const root = packageRoot();
  const own = await target.list(join(root, 'dist'));
  return [
    { from: process.execPath, to: 'node', mode: 0o700 },
    ...(await libraries()).map((from) => ({ from, to: join('lib', soname(from)), mode: 0o700 })),
    ...[...OWN_FILES, ...own.map((name) => join('dist', name))].map((name) => ({
      from: join(root, name),
      to: name,
      mode: 0o600,
    })),
  ];
}

/** What this very process has mapped. The dynamic linker comes by its fixed path: it is in use by every process. */
async function libraries(): Promise<readonly string[]> {
  const maps = await readFile('/proc/self/maps', 'utf8');
  const paths = maps.split('\n').flatMap((line) => /\s(\/\S+\.so[.\d]*)$/.exec(line)?.[1] ?? []);
  return [...new Set(paths)].filter((path) => !/^ld-/.test(basename(path)));
}

/** The name that programs ask for: libstdc++.so.6 of libstdc++.so.6.0.30. */
function soname(path: string): string {
  return basename(path).replace(/(\.so\.\d+)\..*$/, '$1');
}

async function requireMemory(target: Target, copies: readonly Copy[]): Promise<void> {
  const sizes = await Promise.all(copies.map(async ({ from }) => (await target.stat(from))?.size ?? 0));
  const needed = sizes.reduce((sum, size) => sum + size, 0);
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(
    (await target.readText('/proc/meminfo', LIMITS.kernelBytes)) ?? '',
  )?.[1];
  if (kilobytes === undefined || Number(kilobytes) * 1024 > 2 * needed) return;
  throw failure(
    'E_NO_SPACE',
    `the copy in memory needs twice ${Math.ceil(needed / 1024 / 1024)} MB of free memory`,
    `${typed('watch install', ['--from-disk'])} with the options of before; or use the sh watch, which needs almost no memory`,
  );
}

async function change(target: Target, argv: Argv): Promise<void> {
  const next = `${typed('watch install', ['--from-disk'])} with the options of before does without`;
  const problem = (words: string): Error => failure('E_SCHEDULE', `${argv.join(' ')}: ${words}`, next);
  await mustRun(target, argv, { timeoutMs: 60_000, problem });
}

/**
 * What the schedule starts as root, root alone may be able to change: each file, and each folder and link on the way to
 * it. Throws E_SCHEDULE. Who is not root may have files of their own.
 */
async function requireRootsOwn(
  target: Target,
  paths: readonly string[],
  next: (unsafe: string) => string,
): Promise<void> {
  const owners = [0, process.geteuid?.() ?? 0];
  for (const path of paths) {
    const unsafe = await foreignPlace(target, path, owners);
    if (unsafe === undefined) continue;
    throw failure(
      'E_SCHEDULE',
      `the schedule would run ${path} as root, and somebody else could change it: ${unsafe} does not belong to root, or others may write it`,
      next(unsafe),
    );
  }
}

const SAFE_FOLDER = '/opt/mptfix';

/** One line that puts a copy of all that is needed where root alone may write. */
function moveCommand(root: string, node: string, unsafe: string): string {
  const parts = ['bin', 'dist', 'patches', 'package.json'].map((name) => join(root, name));
  const isNode = unsafe === node || node.startsWith(`${unsafe}/`) || !unsafe.startsWith(root);
  const copy = typedShell(
    ['mkdir', '-p', SAFE_FOLDER],
    ['cp', '-RL', ...parts, SAFE_FOLDER],
    ...(isNode ? [['cp', '-L', node, `${SAFE_FOLDER}/node`]] : []),
    ['chown', '-R', 'root:', SAFE_FOLDER],
    ['chmod', '-R', 'go-w', SAFE_FOLDER],
  );
  const program = [isNode ? `${SAFE_FOLDER}/node` : node, `${SAFE_FOLDER}/bin/mptfix.cjs`];
  return `as root: ${copy}; then the same command, begun with ${typedShell(program)}`;
}

/** Where npm and packages put them on a guest. */
const NODES: readonly string[] = ['/usr/local/bin/node', '/usr/bin/node'];
const PACKAGES: readonly string[] = [
  '/usr/local/lib/node_modules/mptfix',
  '/usr/lib/node_modules/mptfix',
  '/usr/share/nodejs/mptfix',
  '/opt/mptfix',
];

/**
 * How mptfix is started on the guest: as now on this machine, in a tree by what is installed there. Throws
 * E_TOOLS_MISSING where the tree has it not.
 */
export async function guestProgram(target: Target): Promise<readonly [node: string, main: string]> {
  if (traitsOf(target).isHere) {
    const [node, root] = [process.execPath, packageRoot()];
    const own = await target.list(join(root, 'dist'));
    const parts = [...OWN_FILES, ...own.map((name) => join('dist', name))].map((name) => join(root, name));
    await requireRootsOwn(target, [node, ...parts, ...(await libraries())], (unsafe) =>
      moveCommand(root, node, unsafe),
    );
    return [node, join(root, 'bin', 'mptfix.cjs')];
  }
  const node = await firstThere(target, NODES);
  const main = await firstThere(
    target,
    PACKAGES.map((folder) => `${folder}/bin/mptfix.cjs`),
  );
  if (node !== undefined && main !== undefined) {
    await requireRootsOwn(target, [node, main], (unsafe) =>
      typedForGuest(['chown', 'root:', unsafe], ['chmod', 'go-w', unsafe]),
    );
    return [node, main];
  }
  throw failure(
    'E_TOOLS_MISSING',
    `${target.name} has no ${node === undefined ? 'Node' : 'mptfix'} that the schedule could start`,
    `put Node and a copy of ${packageRoot()} there, the copy as ${SAFE_FOLDER}; or copy src/watch/sh/mptfix-watch.sh, which needs no Node`,
  );
}

async function firstThere(target: Target, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if ((await target.stat(path).catch(() => undefined)) !== undefined) return path;
  return undefined;
}
