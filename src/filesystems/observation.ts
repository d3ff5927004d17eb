import type { Mount } from '../guest/mounts.ts';
import { LIMITS } from '../limits.ts';
import type { TargetReads } from '../machine/port.ts';
import type { ErrorCounters } from './counters.ts';
import type { DiskLog } from './disk-log.ts';
import type { FileSystem } from './file-systems.ts';
import type { ProbeResult } from './probe.ts';
import type { StorageAnswer } from './storage.ts';
import type { Superblock } from './superblock/parse.ts';

/**
 * What was seen of one mounted file system; nothing is decided yet. The mount table is always there. Every other part
 * is absent where nobody looked at it or it could not be read, and then says nothing: absent is not fine. The watch
 * looks each minute and touches no disk; recover asks the disk itself.
 */
export interface Observation {
  readonly fileSystem: FileSystem;
  /** The mount at the mount point that is asked about. */
  readonly mount: Mount;
  /** Path of the block device; absent where the file system has none, or it is not known. */
  readonly devicePath?: string | undefined;
  /** Whether the disk answers a read past the kernel's cache. */
  readonly storage?: StorageAnswer | undefined;
  readonly superblock?: Superblock | undefined;
  /** What listing the mount point gave: an XFS that was shut down answers EIO, and shows it nowhere else. */
  readonly listing?: 'ok' | 'error' | 'hang' | undefined;
  /** The errors that the running kernel has counted. */
  readonly counters?: ErrorCounters | undefined;
  /** What the kernel's log says of its disk. */
  readonly log?: DiskLog | undefined;
  /** What came of writing a small file to it. */
  readonly probe?: ProbeResult | undefined;
  readonly system: SystemFacts;
  /**
   * For who looks again and again: errors count from the first look on, or from boot. Absent: whatever is on record
   * counts, however old it is.
   */
  readonly watched?: { readonly remembered: Remembered | undefined } | undefined;
}

export interface SystemFacts {
  /** When it booted, in seconds since the epoch; undefined where /proc/stat does not say. */
  readonly bootTime: number | undefined;
  /** `6.1.0-28-amd64`; empty where it is not known. */
  readonly kernel: string;
}

/** What an earlier look of this boot saw of one file system. */
export interface Remembered {
  /** The kernel's numbers of its mounts: other ones mean that it was mounted again since. */
  readonly mounts: readonly number[];
  /** Whether it was ever seen writable. */
  readonly writable: boolean;
  /** ext4's counter when this mount was seen first. */
  readonly errors?: number | undefined;
  /** The counter as the last look saw it. */
  readonly lastErrors?: number | undefined;
  /** The kernel's message that said that it gave up. */
  readonly aborted?: string | undefined;
}

/** An option that the file system has, in whatever place it is mounted. */
export function hasSuperOption({ fileSystem }: Observation, option: string): boolean {
  return fileSystem.mounts.some(({ superOptions }) => superOptions.includes(option));
}

/**
 * Whether the whole file system is read-only, not one mount of it. /proc/mounts shows the flags of both in one word:
 * there one mount that is `rw` proves that the whole is not.
 */
export function isReadOnly({ fileSystem }: Observation): boolean {
  return fileSystem.mounts.every(({ superOptions }) => superOptions.includes('ro'));
}

export async function readSystemFacts(target: Pick<TargetReads, 'readText'>): Promise<SystemFacts> {
  const [release = '', stat = ''] = await Promise.all([
    target.readText('/proc/sys/kernel/osrelease', LIMITS.kernelBytes),
    target.readText('/proc/stat', LIMITS.kernelBytes),
  ]);
  const seconds = /^btime (\d{1,12})$/m.exec(stat)?.[1];
  return { kernel: release.trim(), bootTime: seconds === undefined ? undefined : Number(seconds) };
}
