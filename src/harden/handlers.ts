import { failure } from '../errors.ts';
import { remountCommand } from '../filesystems/remount.ts';
import { readSuperblock } from '../filesystems/storage.ts';
import { readMounts } from '../guest/mounts.ts';
import { LIMITS } from '../limits.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { mustRun } from '../machine/tools.ts';
import { localTarget } from '../machine/tree.ts';
import { fileHandlers } from '../transaction/files.ts';
import { type Handler, handlerOf, reason, type TransactionUser } from '../transaction/handler.ts';
import { placeOf } from '../transaction/purpose.ts';
import type { Step, StepOf } from '../transaction/steps.ts';
import { typed } from '../typed.ts';
import { errorsOptionOf } from './fstab-edit.ts';
import { waitForUdev } from './udev.ts';

const LIMIT = { timeoutMs: 60_000 };

type SettingStep = StepOf<'superblock' | 'device-superblock' | 'mount-option' | 'sysfs'>;

/** Something that has one value at a time. Of this machine: what a guest's tree says of it is not done. */
interface Setting<S extends SettingStep>
  extends Pick<Handler<S>, 'words' | 'about' | 'isVolatile' | 'rank' | 'beforeFirst'> {
  /** Its value now; undefined where it is no longer there. */
  readonly read: (target: Target, step: S) => Promise<string | undefined>;
  readonly write: (target: Target, step: S, value: S['before']) => Promise<void>;
}

function settingHandler<S extends SettingStep>({ read, write, ...others }: Setting<S>): Handler<S> {
  return {
    ...others,
    act: async ({ target }, step) => {
      requireMachine(target, step);
      await write(target, step, step.after);
    },
    current: async ({ target }, step) => {
      requireMachine(target, step);
      const now = await read(target, step);
      if (now === undefined) return 'gone';
      if (now === step.before) return 'before';
      return now === step.after ? 'after' : 'other';
    },
    undo: async ({ target }, step) => {
      requireMachine(target, step);
      await write(target, step, step.before);
      return 'restored';
    },
    undoWords: (step) => others.words({ ...step, before: step.after, after: step.before }),
    isReadBack: true,
  };
}

/** Only the superblock of a device that the command line names is set for a tree. */
function requireMachine(target: Target, step: SettingStep): void {
  if (traitsOf(target).isRunning || step.kind === 'device-superblock') return;
  throw failure(
    'E_STATE_UNSAFE',
    `${target.name} is a guest’s tree, and “${step.kind}” would change this machine`,
    'leave out --root on the guest itself; what is in the tree’s /var/lib/mptfix was not made by mptfix',
  );
}

const superblock = settingHandler<StepOf<'superblock'>>({
  read: async (target, step) => {
    const device = await deviceOf(target, step);
    return device === undefined ? undefined : policyOf(target, device, step.uuid);
  },
  write: async (target, step, policy) => {
    const device = (await deviceOf(target, step)) ?? step.device;
    await mustRun(target, ['tune2fs', '-e', policy, await target.hostPath(device)], LIMIT);
  },
  words: superblockWords,
  about: ({ device }) => `superblock of ${device}`,
});

/** Names of disks change from boot to boot; the file system's own UUID does not. */
async function deviceOf(target: Target, { device, uuid }: StepOf<'superblock'>): Promise<string | undefined> {
  for (const path of [device, `/dev/disk/by-uuid/${uuid}`]) {
    if ((await target.stat(path).catch(() => undefined)) === undefined) continue;
    if ((await readSuperblock(target, path))?.uuid === uuid) return path;
  }
  return undefined;
}

type Superblocks = Pick<Target, 'run' | 'hostPath' | 'toolRoot'>;

async function policyOf(target: Superblocks, device: string, uuid: string): Promise<string | undefined> {
  const now = await readSuperblock(target, device);
  return now?.kind === 'ext' && now.uuid === uuid ? now.errorsPolicy : undefined;
}

/** As it is given, and nowhere else: another disk of this machine may have the same UUID, as clones do. */
const deviceSuperblock = settingHandler<StepOf<'device-superblock'>>({
  // The device is this machine's, also where the guest is a tree.
  read: (_, { device, uuid }) => policyOf(localTarget({ dryRun: true }), device, uuid),
  write: (target, { device }, policy) => mustRun(target, ['tune2fs', '-e', policy, device], LIMIT),
  words: superblockWords,
  about: ({ device }) => `superblock of ${device}`,
});

function superblockWords({ device, before, after }: StepOf<'superblock' | 'device-superblock'>): string {
  return `superblock of ${device}: errors ${before} → ${after}`;
}

const mountOption = settingHandler<StepOf<'mount-option'>>({
  read: effectiveErrors,
  write: async (target, { mountPoint, device }, policy) => {
    const mount = await mountAt(target, mountPoint);
    if (mount === undefined) throw new Error(`nothing is mounted at ${mountPoint} any more`);
    const access = mount.superOptions.includes('ro') ? 'ro' : 'rw';
    await mustRun(target, remountCommand(mount, device, [access, `errors=${policy}`]), LIMIT);
  },
  words: ({ mountPoint, before, after }) =>
    `${mountPoint}, as it is mounted now: errors ${before} → ${after}`,
  about: ({ mountPoint }) => mountPoint,
  isVolatile: true,
});

/** The option that the kernel shows; it shows none where the superblock says the same. */
async function effectiveErrors(
  target: Target,
  { mountPoint, device }: StepOf<'mount-option'>,
): Promise<string | undefined> {
  const mount = await mountAt(target, mountPoint);
  if (mount === undefined) return undefined;
  const shown = errorsOptionOf(mount.superOptions);
  if (shown !== undefined) return shown === 'continue' || shown === 'panic' ? shown : 'remount-ro';
  const now = await readSuperblock(target, device);
  return now?.kind === 'ext' ? now.errorsPolicy : undefined;
}

async function mountAt(target: Target, mountPoint: string) {
  return (await readMounts(target)).findLast((mount) => mount.mountPoint === mountPoint);
}

const sysfs = settingHandler<StepOf<'sysfs'>>({
  read: async (target, { path }) => (await target.readText(path, LIMITS.kernelBytes))?.trim(),
  write: (target, { path }, value) => writeSysfs(target, path, value),
  words: ({ path, before, after }) => `${path}: ${before} → ${after}`,
  about: ({ path }) => path,
  // What an event could set again comes after all others, when udev is at rest.
  isVolatile: true,
  rank: 'running',
  beforeFirst: waitForUdev,
});

/** In place: sysfs knows no rename. */
async function writeSysfs(target: Target, path: string, value: string): Promise<void> {
  const argv = ['dd', `of=${await target.hostPath(path)}`] as const;
  const { status, stderr } = await target.run(argv, {
    effect: 'write',
    input: `${value}\n`,
    ...LIMIT,
  });
  if (status !== 0) throw new Error(`${path} does not accept ${value}: ${stderr.split('\n')[0] ?? ''}`);
}

/** Throws E_STATE_UNSAFE where steps of a tree's record would write to a device that the command line does not name. */
function requireDevice(
  target: Target,
  steps: readonly Step[],
  { folder, device }: { readonly folder: string; readonly device: string | undefined },
): void {
  if (traitsOf(target).isRunning) return;
  for (const step of steps) {
    if (step.kind !== 'device-superblock' || step.device === device) continue;
    throw failure(
      'E_STATE_UNSAFE',
      `${folder}/${placeOf('harden').record}, which is the guest’s, names ${JSON.stringify(step.device.slice(0, 200))}, which is this machine’s: nothing is written there unless you name it too`,
      `only if that is the guest’s own partition or image: ${typed('harden', ['--undo', '--device', step.device])}`,
    );
  }
}

/**
 * Hardening as a transaction; `device` is what the command line names. Its originals are forgotten when it is undone: so
 * what somebody else has changed since is a reason to refuse.
 */
export function hardenUserOf(device: string | undefined): TransactionUser {
  return {
    purpose: 'harden',
    handlers: {
      ...fileHandlers,
      superblock,
      'device-superblock': deviceSuperblock,
      'mount-option': mountOption,
      sysfs,
    },
    permit: (target, steps, folder) => requireDevice(target, steps, { folder, device }),
    undoFailed: (error, folder) =>
      failure(
        'E_HARDEN_UNDO',
        `the undo was stopped: ${reason(error)}`,
        `the originals are in ${folder}; remove the cause and run ${typed('harden', ['--undo'])} again`,
        { cause: error },
      ),
    refuse: (foreign) =>
      failure(
        'E_FILE_CHANGED',
        `changed by somebody else since mptfix hardened this guest, and not overwritten: ${foreign.join(', ')}`,
        `look at the difference to the original in ${placeOf('harden').folder}; to put the original over it: ${typed('harden', ['--undo', '--force'])}`,
      ),
  };
}

/** Where the command line names no device. */
export const hardenUser = hardenUserOf(undefined);

/** What a step changes, one line for a person. */
export function wordsOf(step: Step): string {
  return handlerOf(hardenUser, step).words(step);
}

/** The same for its undo: the way back. */
export function undoWordsOf(step: Step): string {
  return handlerOf(hardenUser, step).undoWords(step);
}
