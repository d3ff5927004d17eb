import type { CauseName } from '../kernel-log/cause.ts';
import type { Effect, Layer } from '../kernel-log/signature.ts';

/** Why the I/O failed, and how sure that is. */
export interface Verdict {
  readonly cause: CauseName;
  readonly certainty: 'certain' | 'likely';
  /** What shows it, the strongest first. */
  readonly evidence: readonly string[];
}

/** One disk (or path to one) that had errors. */
export interface DiskHit {
  /** Kernel name, such as `sda`; null where the messages have only the address. */
  readonly name: string | null;
  /** H:C:I:L; null where the messages have only the name. */
  readonly address: string | null;
  readonly lun: number | null;
  /** Block and buffer errors on it and its partitions. */
  readonly errors: number;
  /** Each result that the SCSI layer printed for it. */
  readonly results: readonly { readonly text: string; readonly count: number }[];
  readonly verdict: Verdict;
}

export interface DeviceMapperHit {
  /** `dm-0`. */
  readonly device: string;
  /** `vg0-root`; null where this machine does not know. */
  readonly name: string | null;
  /** The devices below it; empty where this machine does not know. */
  readonly on: readonly string[];
}

export interface FileSystemHit {
  /** Null where no message names it. */
  readonly device: string | null;
  readonly mountPoint: string | null;
  readonly effect: Effect;
}

/** Messages of one kind about one thing, in the order of the first of them. */
export interface TimelineEntry {
  /** ISO 8601; null where the log has no times. */
  readonly first: string | null;
  readonly last: string | null;
  readonly kernelSeconds: number | null;
  readonly id: string;
  readonly layer: Layer;
  readonly count: number;
  /** The first of them, as logged. */
  readonly text: string;
}

/** What happened to one machine at one time. */
export interface Incident {
  /** The host that the log names; null where it names none. */
  readonly host: string | null;
  /** ISO 8601; null where the log has no times. */
  readonly start: string | null;
  readonly end: string | null;
  /** Seconds from the first message to the last; null where they are not known. */
  readonly seconds: number | null;
  readonly verdict: Verdict;
  readonly disks: readonly DiskHit[];
  readonly deviceMapper: readonly DeviceMapperHit[];
  readonly fileSystems: readonly FileSystemHit[];
  /** Messages by the signature's id. */
  readonly counts: Readonly<Record<string, number>>;
  readonly messages: number;
  readonly timeline: readonly TimelineEntry[];
  /** How many messages are counted above but left out of the timeline. */
  readonly timelineCut: number;
  readonly sources: readonly string[];
}

/** An error that a file system's superblock records, from ext4's daily message. */
export interface RecordedError {
  readonly device: string;
  readonly count: number | null;
  /** ISO 8601. */
  readonly firstError: string | null;
  readonly lastError: string | null;
}
