import { cleanText } from '../../guest/clean-text.ts';
import { type CauseName, causeOf } from '../../kernel-log/cause.ts';
import { logEvents } from '../../kernel-log/events.ts';
import type { Layer } from '../../kernel-log/signature.ts';
import { LIMITS } from '../../limits.ts';
import { traitsOf } from '../../machine/kinds.ts';
import type { Target } from '../../machine/port.ts';
import { typed } from '../../typed.ts';
import type { Notified, WatchedFileSystem, WatchedState } from '../document.ts';

/** What a notice says of one file system. */
export interface NoticeItem
  extends Pick<
    WatchedFileSystem,
    'mountPoint' | 'source' | 'device' | 'disk' | 'fsType' | 'state' | 'evidence'
  > {
  /** ISO 8601. */
  readonly since: string;
}

/** What somebody is notified of, by whatever channel. The webhook gets exactly this. */
export interface Notice {
  readonly schema: 'mptfix.notice/1';
  readonly event: Notified['event'];
  readonly host: string;
  /** ISO 8601. */
  readonly time: string;
  readonly fileSystems: readonly NoticeItem[];
  readonly cause: string;
  readonly advice: readonly string[];
  readonly kernelLines: readonly string[];
}

/** What every notice of one run has in common. */
export interface NoticeBase {
  readonly host: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The kernel's messages of trouble. */
  readonly lines: readonly string[];
}

const MOST_KERNEL_LINES = 20;

/** The notice about these file systems. What a recovery came of is no longer asked. */
export function noticeOf(
  event: Notice['event'],
  fileSystems: readonly NoticeItem[],
  { host, now, lines }: NoticeBase,
): Notice {
  const isTrouble = event === 'alarm' || event === 'reminder';
  return {
    schema: 'mptfix.notice/1',
    event,
    host,
    time: new Date(now).toISOString(),
    fileSystems,
    cause: isTrouble ? likelyCause(lines) : '',
    advice: event === 'test' ? [] : adviceFor(fileSystems.map(({ state }) => state)),
    kernelLines: isTrouble ? lines.slice(-MOST_KERNEL_LINES) : [],
  };
}

export async function hostName(target: Pick<Target, 'readText' | 'kind'>): Promise<string> {
  const running = traitsOf(target).isRunning
    ? await target.readText('/proc/sys/kernel/hostname', LIMITS.kernelBytes)
    : undefined;
  const name = running ?? (await target.readText('/etc/hostname', LIMITS.textBytes));
  return cleanText(name ?? '') || 'unknown-host';
}

/** What an admin should do next; the order matters. Never a remount,rw: an aborted journal has to be checked first. */
const failed = (): readonly string[] => [
  'before anything else, make sure that the storage answers again (the hypervisor’s path state, the kernel’s messages)',
  `save the kernel’s messages where they can be written: ${'`dmesg > /dev/shm/dmesg.txt`'}`,
  'stop what writes to it; do not remount it rw, and do not run fsck while it is mounted',
  'not the root: umount it, e2fsck -f (XFS: mount and umount it once, xfs_repair only if needed), mount it',
  'the root: reboot with a forced check (fsck.mode=force; before systemd: forcefsck)',
  `then restart what died with it: network, sshd, whatever keeps lock files; ${typed('recover')} lists the steps for this guest`,
];

const ADVICE: Readonly<Record<WatchedState, () => readonly string[]>> = {
  ok: () => [
    'check whether services died meanwhile (network, sshd), and whether the file system was checked',
  ],
  errors: () => ['plan a check of this file system: e2fsck -f while it is not mounted'],
  'read-only': failed,
  'shut-down': failed,
  'io-error': failed,
  hang: () => [
    'the disk does not answer: the kernel still waits. See to the storage first; the guest may continue by itself',
    ...failed().slice(1),
  ],
};

function adviceFor(states: readonly WatchedState[]): readonly string[] {
  return ADVICE[states.includes('hang') ? 'hang' : (states[0] ?? 'read-only')]();
}

/** The surest first. */
const byCause = (): readonly (readonly [name: CauseName, cause: string])[] => [
  [
    'this-bug',
    `a path failure of the storage, made an I/O error by the LSI driver (host byte 0x02 with status 0x08): ${typed('check')} confirms it, ${typed('apply')} fixes it`,
  ],
  [
    'window-used-up',
    'the storage was away for longer than the kernel waits (its timeouts were used up): not the driver’s fault',
  ],
];

const BY_LAYER: readonly (readonly [layers: readonly Layer[], cause: string])[] = [
  [['driver', 'scsi', 'block'], 'an I/O error of the disk, or of the storage behind it'],
  [
    ['file-system'],
    'an error in the file system’s own data: no I/O error was seen, so the storage may be fine',
  ],
];

/**
 * What most likely made file systems fail, from the kernel's messages. What is surest counts, not what came last: a
 * storage that is away for long shows the used-up window and plain I/O errors beside it.
 */
function likelyCause(messages: readonly string[]): string {
  const events = messages.flatMap((message) => logEvents(message));
  const causes = new Set(events.map((event) => causeOf(event)?.cause));
  const found =
    byCause().find(([name]) => causes.has(name)) ??
    BY_LAYER.find(([layers]) => events.some(({ layer }) => layers.includes(layer)));
  return found?.[1] ?? 'not known: the kernel’s messages say nothing about it';
}
