import { failure } from '../errors.ts';
import { readSuperblock } from '../filesystems/storage.ts';
import type { ErrorsPolicy } from '../filesystems/superblock/ext.ts';
import { readMounts } from '../guest/mounts.ts';
import { LIMITS } from '../limits.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { localTarget } from '../machine/tree.ts';
import { planFile } from '../transaction/files.ts';
import type { Planned } from '../transaction/perform.ts';
import { typed } from '../typed.ts';
import type { PolicyFacts, Survey } from './document.ts';
import { withErrors } from './fstab-edit.ts';
import type { HardenPlan, HardenQuestion } from './request.ts';

const EXT = /^ext[234]$/;

/** The changes that make this policy hold: superblocks, what overrides them in fstab, and what is mounted now. */
export async function planErrors(
  target: Target,
  { survey, device }: HardenQuestion,
  policy: ErrorsPolicy,
): Promise<HardenPlan> {
  const ext = survey.fileSystems.filter(({ type }) => EXT.test(type));
  refuseDamaged(ext);
  const changes: Planned[] = [...superblockChanges(ext, policy)];
  if (device !== undefined) changes.push(...(await givenDevice(target, device, policy)));
  changes.push(...(await fstabChange(target, ext, policy)));
  for (const one of ext) changes.push(...mountChange(one, policy));
  return { changes, notes: errorsNotes(target, survey, ext, device) };
}

/** To tune the superblock of a file system that is given up is to write to what has to be repaired first. */
function refuseDamaged(ext: readonly PolicyFacts[]): void {
  const damaged = ext.filter(
    ({ state }) => state !== null && !['writable', 'intended-ro', 'remounted-ro'].includes(state),
  );
  if (damaged.length === 0) return;
  const names = damaged.map(({ mountPoint, state }) => `${mountPoint} (${state})`);
  throw failure(
    'E_FS_DAMAGED',
    `not changed, because it must be recovered first: ${names.join(', ')}`,
    `${typed('recover')} shows how; or leave it out by naming the others with --mount-point`,
  );
}

function superblockChanges(ext: readonly PolicyFacts[], policy: ErrorsPolicy): readonly Planned[] {
  return ext.flatMap(({ superblock, device, uuid }) =>
    superblock === null || uuid === null || superblock === policy
      ? []
      : [{ step: { kind: 'superblock', device, uuid, before: superblock, after: policy } as const }],
  );
}

/** A tree's device is this machine's: its path is not the guest's. */
async function givenDevice(
  target: Target,
  device: string,
  policy: ErrorsPolicy,
): Promise<readonly Planned[]> {
  if (traitsOf(target).isRunning)
    throw failure(
      'E_USAGE',
      '--device needs --root',
      'on the running guest the mount table names the devices',
    );
  const machine = localTarget({ dryRun: true });
  const superblock = await readSuperblock(machine, device);
  if (superblock?.kind !== 'ext') {
    throw failure(
      'E_TARGET_MISSING',
      `${device} has no readable ext2, ext3 or ext4`,
      'give --device the partition (not the disk), or an image of it',
    );
  }
  await refuseBusy(machine, device);
  if (superblock.errorFlag || superblock.errorCount > 0)
    throw failure('E_FS_DAMAGED', `${device} has errors on record`, `unmount it, then: e2fsck -f ${device}`);
  if (superblock.errorsPolicy === policy) return [];
  const { uuid, errorsPolicy } = superblock;
  return [{ step: { kind: 'device-superblock', device, uuid, before: errorsPolicy, after: policy } }];
}

/** What is written to a file under a loop device, or by another kernel, the mounted file system writes over. */
async function refuseBusy(machine: Target, device: string): Promise<void> {
  const busy = (why: string, next: string): Error => failure('E_DEVICE_BUSY', `${device} ${why}`, next);
  const status = await machine.stat(device);
  if (status?.type === 'file') {
    const { stdout } = await machine.run(['losetup', '-j', device], { effect: 'read' });
    const loop = /^(\/dev\/loop\d+):/.exec(stdout.toString('latin1'))?.[1];
    if (loop !== undefined) throw busy(`is in use as ${loop}`, `give --device ${loop}, or umount it first`);
    return;
  }
  const mounts = await readMounts(machine);
  const mounted = mounts.find(({ device: number }) => number !== '' && number === status?.rdev);
  if (mounted !== undefined && !mounted.superOptions.includes('ro'))
    throw busy(
      `is mounted read-write at ${mounted.mountPoint}`,
      `umount ${mounted.mountPoint} first, or mount it read-only`,
    );
}

async function fstabChange(
  target: Target,
  ext: readonly PolicyFacts[],
  policy: ErrorsPolicy,
): Promise<readonly Planned[]> {
  const entries = ext.flatMap(({ fstab, fstabOption }) =>
    fstab === null || fstabOption === null || fstabOption === policy ? [] : [fstab],
  );
  if (entries.length === 0) return [];
  const now = await target.read('/etc/fstab', LIMITS.textBytes);
  const lines = entries.map(({ line }) => line).join(', ');
  return planFile(target, {
    path: '/etc/fstab',
    content: withErrors(now, entries, policy),
    what: `errors=${policy} in line ${lines}`,
    mode: 0o644,
  });
}

function mountChange(
  { mount, effective, device, state }: PolicyFacts,
  policy: ErrorsPolicy,
): readonly Planned[] {
  if (mount === null || effective === null || effective === policy || state === null) return [];
  const before = effective === 'continue' || effective === 'panic' ? effective : 'remount-ro';
  if (before === policy) return [];
  const { mountPoint } = mount;
  return [{ step: { kind: 'mount-option', mountPoint, device, before, after: policy } }];
}

function errorsNotes(
  target: Target,
  { fileSystems }: Survey,
  ext: readonly PolicyFacts[],
  device: string | undefined,
): readonly string[] {
  const notes = fileSystems
    .filter(({ type }) => !EXT.test(type))
    .map(({ mountPoint, type }) => `${mountPoint}: ${type} has no errors= policy`);
  const unread = ext.filter(({ superblock }) => superblock === null);
  if (!traitsOf(target).isRunning && device === undefined && unread.length > 0)
    notes.push('superblocks are not set: give --device the guest’s partition or its image');
  if (traitsOf(target).isRunning)
    notes.push(
      ...unread.map(({ mountPoint }) => `${mountPoint}: its superblock could not be read, and is not set`),
    );
  return notes;
}
