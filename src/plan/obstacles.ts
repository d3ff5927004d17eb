import { failure } from '../errors.ts';
import { folderStates } from '../filesystems/folders.ts';
import type { State } from '../filesystems/states.ts';
import { unfinishedPackages } from '../guest/dpkg-status.ts';
import { moduleTreeProblems } from '../guest/module-tree.ts';
import { readOwnMounts } from '../guest/mounts.ts';
import { packageManagersAtWork } from '../guest/package-manager.ts';
import { MODULES_FOLDER, STATE_FOLDER } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { localTarget } from '../machine/tree.ts';

/** Whatever would make a change of this kernel's module unsafe now. Reads only; throws the first that it finds. */
export async function requireNoObstacles(
  target: Target,
  { release, module }: { readonly release: string; readonly module: string },
): Promise<readonly string[]> {
  await requireHealthyFileSystems(target, release);
  await requireNoPackageManager(target, release);
  return requireSaneTree(target, release, module);
}

/** A file system that was aborted takes no writes, or takes them and loses them. */
async function requireHealthyFileSystems(target: Target, release: string): Promise<void> {
  const machine = localTarget({ dryRun: true });
  const folders = [`${MODULES_FOLDER}/${release}`, '/boot', STATE_FOLDER];
  for (const one of await folderStates(target, machine, folders, await readOwnMounts(machine))) {
    const words = REFUSED[one.state];
    if (words === undefined) continue;
    const why = one.evidence.flatMap(({ bad, state, detail }) =>
      bad || state !== undefined ? [detail] : [],
    );
    throw failure(
      'E_READ_ONLY',
      `${one.folders.join(' and ')} of ${target.name} lie on ${one.source} (${one.mountPoint}), which ${words}: ${why.join('; ')}`,
      'mptfix recover lists what to do, step by step; check a file system that was aborted before anything is written to it',
    );
  }
}

const READ_ONLY = 'is mounted read-only';

/** Why nothing may be written to a file system in this state. */
const REFUSED: Readonly<Record<State, string | undefined>> = {
  'storage-away': 'has a disk that does not answer',
  shutdown: 'was shut down after an error',
  'forced-ro': 'was made read-only by an error',
  aborted: 'was made read-only by an error',
  'flagged-ro': 'is mounted read-only, and has errors on record',
  'remounted-ro': READ_ONLY,
  'unexplained-ro': READ_ONLY,
  'write-hangs': 'does not take a write',
  'write-fails': 'does not take a write',
  flagged: 'has had errors since it was last checked',
  'mount-ro': READ_ONLY,
  'intended-ro': READ_ONLY,
  writable: undefined,
};

async function requireNoPackageManager(target: Target, release: string): Promise<void> {
  const [manager] = await packageManagersAtWork(target, localTarget({ dryRun: true }));
  if (manager !== undefined) {
    const who = manager.pid === undefined ? '' : ` (process ${manager.pid}: ${manager.command ?? 'unknown'})`;
    throw failure(
      'E_PACKAGE_MANAGER',
      `${manager.manager} is at work on ${target.name}${who}: it holds ${manager.path}`,
      'wait until it has finished, then run the command again',
    );
  }
  const [unfinished] = await unfinishedPackages(target, release);
  if (unfinished === undefined) return;
  throw failure(
    'E_PACKAGE_MANAGER',
    `the guest has a package that is not fully installed: ${unfinished}`,
    'finish it first: dpkg --configure -a',
  );
}

/** Answers what a person should know, where nothing forbids the change. */
async function requireSaneTree(target: Target, release: string, module: string): Promise<readonly string[]> {
  const problems = await moduleTreeProblems(target, release, module);
  const refusal = problems.find(({ severity }) => severity === 'refuse');
  if (refusal === undefined) return problems.map(({ text }) => text);
  throw failure(
    'E_TREE_DAMAGED',
    `the module tree of ${release} is damaged: ${refusal.text}`,
    `repair it first: depmod ${release}, or reinstall the kernel’s package`,
  );
}
