import { failure } from '../errors.ts';
import { type Mount, mountOf } from '../guest/mounts.ts';
import type { Target } from '../machine/port.ts';

/** Where the log is put, the first that can be written to: a disk that survives a reboot before memory that does not. */
const FOLDERS: readonly string[] = [
  '/var/log',
  '/root',
  '/var/tmp',
  '/home',
  '/boot',
  '/run',
  '/dev/shm',
  '/tmp',
];

export interface SavedLog {
  readonly path: string;
  /** Whether a reboot loses it all the same: it lies in memory. */
  readonly volatile: boolean;
}

/**
 * Puts the kernel log into the first folder that takes it. Not one on a file system that is itself in trouble
 * (`avoid`, mount points): a write there could hang. Throws E_NO_WORK_FOLDER where none takes it.
 */
export async function saveKernelLog(
  target: Target,
  log: string,
  mounts: readonly Mount[],
  avoid: ReadonlySet<string>,
): Promise<SavedLog> {
  for (const folder of FOLDERS) {
    const mount = mountOf(mounts, folder);
    if (mount !== undefined && avoid.has(mount.mountPoint)) continue;
    const path = `${folder}/mptfix-kernel-log-${new Date().toISOString().replace(/[:.]/g, '')}.txt`;
    try {
      if ((await target.stat(folder))?.type !== 'directory') continue;
      await target.write(path, log, { mode: 0o600 });
      return { path, volatile: mount !== undefined && /^(tmpfs|ramfs|devtmpfs)$/.test(mount.fsType) };
    } catch {
      // Full, read-only or not ours: the next folder.
    }
  }
  throw failure(
    'E_NO_WORK_FOLDER',
    `the kernel log could be written to none of ${FOLDERS.join(', ')}`,
    'save it on another machine: type `ssh GUEST dmesg > kernel-log.txt` there',
  );
}
