import { LIMITS } from '../limits.ts';
import type { TargetReads } from '../machine/port.ts';
import type { FileSystem } from './file-systems.ts';

/** What the running kernel has counted of a file system's errors. */
export interface ErrorCounters {
  /** Of ext4 (also of an ext2 or ext3 by ext4's driver) since the last e2fsck; of btrfs since its devices were added. */
  readonly errors: number;
  /** Seconds since the epoch. */
  readonly lastErrorTime?: number | undefined;
  /** The function of the kernel that met it: `ext4_journal_check_start`. */
  readonly lastErrorFunction?: string | undefined;
  /** `errors=` in force. */
  readonly policy?: 'continue' | 'remount-ro' | 'panic' | undefined;
}

type CounterReads = Pick<TargetReads, 'readText' | 'list'>;

/** The counters of one file system; undefined where there are none. btrfs' are found by the UUID of its superblock. */
export async function errorCounters(
  target: CounterReads,
  { name, fsType }: Pick<FileSystem, 'name' | 'fsType'>,
  uuid?: string,
): Promise<ErrorCounters | undefined> {
  if (fsType === 'btrfs') return uuid === undefined ? undefined : btrfsCounters(target, uuid);
  return name !== null && /^ext[234]/.test(fsType) ? ext4Counters(target, name) : undefined;
}

/**
 * From /sys/fs/ext4/DISK (errors_count since Linux 2.6.38 or so) and /proc/fs/ext4/DISK/options, which shows the
 * policy in force also where it comes from the superblock.
 */
async function ext4Counters(target: CounterReads, disk: string): Promise<ErrorCounters | undefined> {
  const line = async (path: string): Promise<string> =>
    ((await target.readText(path, LIMITS.kernelBytes)) ?? '').trim();
  const errors = await line(`/sys/fs/ext4/${disk}/errors_count`);
  if (!/^\d{1,10}$/.test(errors)) return undefined;
  const options = await line(`/proc/fs/ext4/${disk}/options`);
  const policy = /^errors=(continue|remount-ro|panic)$/m.exec(options)?.[1] as ErrorCounters['policy'];
  if (errors === '0') return { errors: 0, policy };
  const time = await line(`/sys/fs/ext4/${disk}/last_error_time`);
  const name = await line(`/sys/fs/ext4/${disk}/last_error_func`);
  return {
    errors: Number(errors),
    lastErrorTime: /^[1-9]\d{0,10}$/.test(time) ? Number(time) : undefined,
    lastErrorFunction: /^\w{1,64}$/.test(name) ? name : undefined,
    policy,
  };
}

/** `write_errs 0` and so on for each device, from Linux 5.14 on. */
async function btrfsCounters(target: CounterReads, uuid: string): Promise<ErrorCounters | undefined> {
  const folder = `/sys/fs/btrfs/${uuid}/devinfo`;
  let errors: number | undefined;
  for (const device of await target.list(folder)) {
    const text = await target.readText(`${folder}/${device}/error_stats`, LIMITS.kernelBytes);
    for (const [, count] of (text ?? '').matchAll(/^\w+_errs (\d{1,15})$/gm))
      errors = (errors ?? 0) + Number(count);
  }
  return errors === undefined ? undefined : { errors };
}
