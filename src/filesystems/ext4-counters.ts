import type { TargetReads } from '../machine/port.ts';

/** What the kernel keeps about the errors of an ext4 (also an ext3 by ext4's driver), since the last e2fsck. */
export interface Ext4Counters {
  readonly errors: number;
  /** Seconds since the epoch. */
  readonly lastErrorTime: number | undefined;
  /** The function of the kernel that met it: `ext4_journal_check_start`. */
  readonly lastErrorFunction: string | undefined;
  /** `errors=` in force. */
  readonly policy: 'continue' | 'remount-ro' | 'panic' | undefined;
}

/**
 * From /sys/fs/ext4/DISK (errors_count since Linux 2.6.38 or so) and /proc/fs/ext4/DISK/options, which shows the
 * policy in force also where it comes from the superblock. Undefined where there is no counter.
 */
export async function ext4Counters(
  target: Pick<TargetReads, 'readText'>,
  disk: string,
): Promise<Ext4Counters | undefined> {
  const line = async (path: string): Promise<string> => ((await target.readText(path)) ?? '').trim();
  const errors = await line(`/sys/fs/ext4/${disk}/errors_count`);
  if (!/^\d{1,10}$/.test(errors)) return undefined;
  const options = await line(`/proc/fs/ext4/${disk}/options`);
  const policy = /^errors=(continue|remount-ro|panic)$/m.exec(options)?.[1] as Ext4Counters['policy'];
  if (errors === '0') return { errors: 0, lastErrorTime: undefined, lastErrorFunction: undefined, policy };
  const time = await line(`/sys/fs/ext4/${disk}/last_error_time`);
  const name = await line(`/sys/fs/ext4/${disk}/last_error_func`);
  return {
    errors: Number(errors),
    lastErrorTime: /^[1-9]\d{0,10}$/.test(time) ? Number(time) : undefined,
    lastErrorFunction: /^\w{1,64}$/.test(name) ? name : undefined,
    policy,
  };
}
