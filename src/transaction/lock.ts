import { failure } from '../errors.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import type { Lock, Target } from '../machine/port.ts';
import { requireTools, TOOLS } from '../machine/tools.ts';

/**
 * Holds the guest for one run, from before it is read until after the last write. The lock is the kernel's, on the
 * guest's module folder: no file is made for it, and none can be left behind.
 * Throws E_LOCKED where another run holds it.
 */
export async function lockGuest(target: Target): Promise<Lock> {
  if (await hasModules(target)) return lockFolder(target, MODULES_FOLDER);
  await requireTools(target, [TOOLS.flock]);
  throw failure(
    'E_KERNEL_UNKNOWN',
    `${target.name} has no ${MODULES_FOLDER}`,
    'give --root the folder that holds the guest’s whole / with its /lib/modules',
  );
}

/**
 * The same lock for work that needs no modules: of a guest without /lib/modules (a kernel that has all built in) it is
 * /etc that is locked. Throws E_LOCKED.
 */
export async function lockAnyGuest(target: Target): Promise<Lock> {
  if (await hasModules(target)) return lockFolder(target, MODULES_FOLDER);
  if ((await target.stat('/etc'))?.type === 'directory') return lockFolder(target, '/etc');
  throw failure(
    'E_TARGET_MISSING',
    `${target.name} holds no guest: it has neither ${MODULES_FOLDER} nor /etc`,
    'give --root the folder that holds the guest’s whole /',
  );
}

/** Whether a run that changes the guest is at work, as far as this process can see. Stands in no run's way. */
export async function isAtWork(target: Target): Promise<boolean> {
  return target.isLocked((await hasModules(target)) ? MODULES_FOLDER : '/etc');
}

/** Does what the lock is held for, and releases it whatever comes of that. */
export async function whileLocked<T>(lock: Promise<Lock>, act: () => Promise<T>): Promise<T> {
  const held = await lock;
  try {
    return await act();
  } finally {
    await held.release();
  }
}

async function hasModules(target: Target): Promise<boolean> {
  return (await target.stat(MODULES_FOLDER))?.type === 'directory';
}

async function lockFolder(target: Target, folder: string): Promise<Lock> {
  await requireTools(target, [TOOLS.flock]);
  const lock = await target.lock(folder);
  if (lock !== undefined) return lock;
  throw failure(
    'E_LOCKED',
    `another run of mptfix is at work on ${target.name}`,
    'wait until it has finished, then run the command again',
  );
}
