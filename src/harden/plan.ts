import { dirname } from 'node:path';
import { failure } from '../errors.ts';
import type { InitSystem } from '../facts/init-system.ts';
import { readMounts } from '../facts/mounts.ts';
import type { ErrorsPolicy } from '../facts/superblock/ext.ts';
import { readSuperblock } from '../recover/storage.ts';
import { localTarget } from '../target/local.ts';
import type { Target } from '../target/port.ts';
import { fileChange, foldersFor } from './file-change.ts';
import { withErrors } from './fstab-edit.ts';
import type { Planned } from './perform.ts';
import type { PolicyFacts, Survey } from './survey.ts';
import { bootScriptOf, bootScriptText, hasUdev, RULE_PATH, ruleText } from './udev.ts';
import type { Wish } from './wish.ts';

/** What is to be changed, in the order in which it is done, and what cannot be reached. */
export interface HardenPlan {
  readonly changes: readonly Planned[];
  /** One line each. */
  readonly notes: readonly string[];
}

export interface PlanQuestion {
  readonly wish: Wish;
  readonly survey: Survey;
  readonly init: InitSystem;
  /** `--device`: of a guest's tree, the device or image whose superblock is set. */
  readonly device: string | undefined;
}

const EXT = /^ext[234]$/;

/** Decides, reading only; what is as it is wished already is no change. All that can be refused is refused here. */
export async function planHarden(target: Target, question: PlanQuestion): Promise<HardenPlan> {
  const errors =
    question.wish.errors === undefined ? NOTHING : await planErrors(target, question, question.wish.errors);
  const timeout =
    question.wish.timeout === undefined
      ? NOTHING
      : await planTimeout(target, question, question.wish.timeout);
  return { changes: [...errors.changes, ...timeout.changes], notes: [...errors.notes, ...timeout.notes] };
}

const NOTHING: HardenPlan = { changes: [], notes: [] };

async function planErrors(
  target: Target,
  { survey, device }: PlanQuestion,
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
    `not changed, because it has to be recovered first: ${names.join(', ')}`,
    'mptfix recover tells how; or leave it out: --mount-point names the others',
  );
}

function superblockChanges(ext: readonly PolicyFacts[], policy: ErrorsPolicy): readonly Planned[] {
  return ext.flatMap(({ superblock, device, uuid }) =>
    superblock === null || uuid === null || superblock === policy
      ? []
      : [{ change: { kind: 'superblock', device, uuid, before: superblock, after: policy } as const }],
  );
}

/** A tree's device is this machine's: its path is not the guest's. */
async function givenDevice(
  target: Target,
  device: string,
  policy: ErrorsPolicy,
): Promise<readonly Planned[]> {
  if (target.kind === 'local')
    throw failure(
      'E_USAGE',
      '--device belongs to --root',
      'on the running guest the mount table names the devices',
    );
  const machine = localTarget({ dryRun: true });
  const superblock = await readSuperblock(machine, device);
  if (superblock?.kind !== 'ext') {
    throw failure(
      'E_TARGET_MISSING',
      `${device} holds no ext2, ext3 or ext4 that can be read`,
      'give --device the partition (not the disk), or an image of it',
    );
  }
  await refuseBusy(machine, device);
  if (superblock.errorFlag || superblock.errorCount > 0)
    throw failure('E_FS_DAMAGED', `${device} has errors on record`, `unmount it, then: e2fsck -f ${device}`);
  if (superblock.errorsPolicy === policy) return [];
  const { uuid, errorsPolicy } = superblock;
  return [{ change: { kind: 'image', device, uuid, before: errorsPolicy, after: policy } }];
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
  const now = await target.read('/etc/fstab');
  const lines = entries.map(({ line }) => line).join(', ');
  return fileChange(
    target,
    '/etc/fstab',
    withErrors(now, entries, policy),
    `errors=${policy} in line ${lines}`,
    0o644,
  );
}

function mountChange(
  { mount, effective, device, state }: PolicyFacts,
  policy: ErrorsPolicy,
): readonly Planned[] {
  if (mount === null || effective === null || effective === policy || state === null) return [];
  const before = effective === 'continue' || effective === 'panic' ? effective : 'remount-ro';
  if (before === policy) return [];
  const { mountPoint } = mount;
  return [{ change: { kind: 'mount-option', mountPoint, device, before, after: policy } }];
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
  if (target.kind === 'root' && device === undefined && unread.length > 0)
    notes.push('superblocks are not set: give --device the guest’s partition or its image');
  if (target.kind === 'local')
    notes.push(
      ...unread.map(({ mountPoint }) => `${mountPoint}: its superblock could not be read, and is not set`),
    );
  return notes;
}

async function planTimeout(
  target: Target,
  { survey, init }: PlanQuestion,
  seconds: number,
): Promise<HardenPlan> {
  const scsi = survey.disks.filter(({ bus }) => bus === 'scsi');
  const now = scsi.flatMap(({ timeoutPath, timeoutSeconds }) =>
    timeoutPath === null || timeoutSeconds === null || timeoutSeconds === seconds
      ? []
      : [
          {
            change: {
              kind: 'sysfs',
              path: timeoutPath,
              before: String(timeoutSeconds),
              after: String(seconds),
            } as const,
          },
        ],
  );
  const boot = (await hasUdev(target))
    ? await planRule(target, seconds)
    : await planScript(target, init, seconds);
  const notes =
    scsi.length > 0 || target.kind === 'root'
      ? []
      : ['this machine has no SCSI disk now: only what is used at boot is set'];
  return { changes: [...boot, ...now], notes };
}

async function planRule(target: Target, seconds: number): Promise<readonly Planned[]> {
  return [
    ...(await foldersFor(target, dirname(RULE_PATH))),
    ...(await fileChange(
      target,
      RULE_PATH,
      Buffer.from(ruleText(seconds)),
      `timeout ${seconds} s at boot`,
      0o644,
    )),
  ];
}

async function planScript(target: Target, init: InitSystem, seconds: number): Promise<readonly Planned[]> {
  const script = bootScriptOf(init);
  if (script === null) {
    throw failure(
      'E_UDEV_MISSING',
      `${target.name} has no udev that could set the timeout at boot, and mptfix has no boot script for ${init}`,
      'install udev, or set it in a script of your own: echo SECONDS > /sys/block/sdX/device/timeout',
    );
  }
  const folders = [dirname(script.path), ...script.links.map(([path]) => dirname(path))];
  const changes: Planned[] = [];
  for (const folder of new Set(folders)) changes.push(...(await foldersFor(target, folder)));
  changes.push(
    ...(await fileChange(
      target,
      script.path,
      Buffer.from(bootScriptText(seconds)),
      `timeout ${seconds} s at boot`,
      0o755,
    )),
  );
  for (const [path, text] of script.links) {
    if ((await target.readLink(path)) !== text)
      changes.push({ change: { kind: 'link', path, target: text } });
  }
  return changes;
}
