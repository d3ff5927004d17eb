import { dirname, join } from 'node:path';
import { failure } from '../errors.ts';
import { folderStates } from '../filesystems/folders.ts';
import type { State } from '../filesystems/states.ts';
import { unfinishedPackages } from '../guest/dpkg-status.ts';
import { indexTools } from '../guest/index/tools.ts';
import { moduleTreeProblems } from '../guest/module-tree.ts';
import { readOwnMounts } from '../guest/mounts.ts';
import { packageManagersAtWork } from '../guest/package-manager.ts';
import { requireReadableIndex } from '../install/indexing.ts';
import { requirePlacement } from '../install/placement.ts';
import { LIMITS } from '../limits.ts';
import { MODULES_FOLDER, nearestFolder, STATE_FOLDER, toolPath } from '../machine/folders.ts';
import { kernelOf } from '../machine/kernel-of.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { requireTools, TOOLS } from '../machine/tools.ts';
import { typed, typedForGuest, typedShell } from '../typed.ts';
import type { Plan } from './document.ts';
import { requireFreeSpace } from './free-space.ts';
import { requireImages, requireImageTools, requireMenu } from './images.ts';
import { notRoot } from './not-root.ts';

/** What of an installation decides what may stop it, beside the plan. */
export interface PreflightOptions {
  readonly willBeSigned: boolean;
  /** Takes what stops it, or throws it: a plan may be asked for by who may not carry it out. */
  readonly onRefusal: (error: unknown) => void;
}

/** Everything that would stop the installation, found before anything is fetched. Answers what a person should know. */
export async function preflight(
  target: Target,
  plan: Plan,
  { willBeSigned, onRefusal }: PreflightOptions,
): Promise<readonly string[]> {
  const { module, kernel } = plan;
  const warnings: string[] = [];
  const checks: readonly (() => Promise<void>)[] = [
    () => requireTools(target, [TOOLS.depmod]),
    () => target.requireUnused(),
    () => requireInside(target, plan),
    () => requireWritable(target, plan),
    () => (willBeSigned ? Promise.resolve() : requireUnsigned(target)),
    () => requirePlacement(target, plan.placement),
    async () => requireImages(target, plan),
    () => requireMenu(target, plan),
    () => requireImageTools(target, plan),
    async () => {
      if (module !== null)
        warnings.push(
          ...(await requireNoObstacles(target, { release: kernel.release, module: module.name })),
        );
    },
    () => requireFreeSpace(target, plan),
  ];
  for (const check of checks) await check().catch(onRefusal);
  return warnings;
}

/** Where an installation or a rollback writes: of a plan, or of a manifest. */
export interface Place {
  readonly kernel: { readonly release: string };
  readonly module: { readonly path: string } | null;
}

/**
 * Tools such as depmod follow links as this machine does: where the tree's /lib is an absolute link, they would end
 * up in the machine's own module folder.
 */
export async function requireInside(target: Target, place: Place): Promise<void> {
  // There only the guest's own tools work on its files.
  if (!traitsOf(target).hasOurTools) return;
  const folder = `${MODULES_FOLDER}/${place.kernel.release}`;
  const plain = join(target.toolRoot, folder);
  const real = await target.run(['readlink', '-f', '--', plain], { effect: 'read', sees: 'guest' });
  if (real.stdout.toString('utf8').trim() === (await toolPath(target, folder))) return;
  throw failure(
    'E_TREE_ESCAPES',
    `${folder} of ${target.name} is behind a link that leads out of the tree on this machine`,
    `make the link relative, as in ${typedShell(['ln', '-sfn', 'usr/lib', join(target.name, 'lib')])}, or run mptfix inside the tree`,
  );
}

export async function requireWritable(target: Target, place: Place): Promise<void> {
  const module = place.module?.path ?? MODULES_FOLDER;
  const folders = [
    dirname(module),
    `${MODULES_FOLDER}/${place.kernel.release}`,
    await nearestFolder(target, STATE_FOLDER),
  ];
  for (const folder of folders) {
    const answer = await target.writable(folder);
    if (answer === 'read-only') {
      throw failure(
        'E_READ_ONLY',
        `${folder} of ${target.name} is on a file system that is mounted read-only`,
        'find out why (dmesg): after a path failure do not remount it, repair it first; remount an image with -o rw',
      );
    }
    if (answer !== 'yes') throw notRoot(target, `${folder} may not be written to`);
  }
  // Of a host's user only the guest knows what it may do, and has answered.
  if (!traitsOf(target).hasOurTools) return;
  const uid = process.geteuid?.() ?? 0;
  const owner = (await target.stat(module))?.uid;
  if (uid !== 0 && (traitsOf(target).isHere || owner !== uid))
    throw notRoot(target, `${module} is not yours`);
}

/** Where the kernel loads signed modules only, an unsigned one would leave the guest without its disk. */
async function requireUnsigned(target: Target): Promise<void> {
  if (!traitsOf(target).isRunning) return;
  const enforced =
    (await target.readText('/sys/module/module/parameters/sig_enforce', LIMITS.kernelBytes))?.trim() === 'Y';
  const lockdown = /\[(integrity|confidentiality)\]/.exec(
    (await target.readText('/sys/kernel/security/lockdown', LIMITS.kernelBytes)) ?? '',
  )?.[1];
  if (!enforced && lockdown === undefined) return;
  throw failure(
    'E_SIGNATURE_REQUIRED',
    `this kernel loads signed modules only (${enforced ? 'module.sig_enforce' : `lockdown: ${lockdown}`})`,
    'sign it with a key that the guest’s firmware or kernel trusts (--sign-key, --sign-cert; mokutil --import), or install the vendor’s fixed kernel',
  );
}

/** Whatever would make a change of this kernel's module unsafe now. Reads only; throws the first that it finds. */
async function requireNoObstacles(
  target: Target,
  { release, module }: { readonly release: string; readonly module: string },
): Promise<readonly string[]> {
  await requireHealthyFileSystems(target, release);
  await requireNoPackageManager(target, release);
  const warnings = await requireSaneTree(target, release, module);
  await requireReadableIndex(target, release, module);
  return warnings;
}

/** A file system that was aborted takes no writes, or takes them and loses them. */
async function requireHealthyFileSystems(target: Target, release: string): Promise<void> {
  const machine = kernelOf(target);
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
      `${typed('recover')} lists what to do, step by step; check a file system that was aborted before anything is written to it`,
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
  const [manager] = await packageManagersAtWork(target, kernelOf(target));
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
    `finish it first: ${typedForGuest(['dpkg', '--configure', '-a'])}`,
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
    `repair it first: ${await depmodCommand(target, release)}, or reinstall the kernel’s package`,
  );
}

/** This machine's depmod is named only where the guest's modprobe can read what that writes. */
async function depmodCommand(target: Target, release: string): Promise<string> {
  const tools = await indexTools(target, release);
  if (!traitsOf(target).hasOurTools || 'problem' in tools || !tools.form.isOurs)
    return typedForGuest(['depmod', '-a', release]);
  return typedShell(['depmod', '-b', traitsOf(target).isRunning ? '/' : target.name, release]);
}
