import type { Mount } from '../guest/mounts.ts';
import type { FileSystem } from './file-systems.ts';
import type { LogLine } from './log-lines.ts';
import type { StorageAnswer } from './storage.ts';
import type { Superblock } from './superblock/parse.ts';

/** What was seen of one mounted file system; nothing is decided yet. */
export interface Observation {
  readonly fileSystem: FileSystem;
  /** The mount at its mount point. */
  readonly mount: Mount;
  /** Path of the block device; absent where the file system has none, or it cannot be told. */
  readonly devicePath?: string;
  readonly storage: StorageAnswer;
  /** Absent where it was not read (`storage` says why) or is of a kind that is not known here. */
  readonly superblock?: Superblock;
  /** Errors that the running kernel counts: /sys/fs/ext4/…/errors_count, or btrfs' error_stats summed up. */
  readonly errorsCount?: number;
  /** What the kernel log says against it since it was mounted. */
  readonly logLines: readonly LogLine[];
  /** What listing the mount point gave: an XFS that was shut down answers EIO, and shows it nowhere else. */
  readonly listing: 'ok' | 'error' | 'hang' | 'not-asked';
}
