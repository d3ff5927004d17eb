import type { Remembered } from '../../watch/state/remembered.ts';
import type { DiskLog } from '../disk-log.ts';
import type { Ext4Counters } from '../ext4-counters.ts';
import type { FileSystem } from '../file-systems.ts';
import type { ProbeResult } from '../probe.ts';

/** How a file system stands. All but `ok` and `errors` mean that it cannot be written, and are an alarm. */
export type State = 'ok' | 'errors' | 'read-only' | 'shut-down' | 'io-error' | 'hang';

export type SignalKind = 'mount-table' | 'ext4-errors' | 'kernel-log' | 'probe';

/** Why a file system is believed to be in a state. */
export interface WatchEvidence {
  readonly kind: SignalKind;
  readonly state: State;
  /** One line for a person. */
  readonly detail: string;
  /** ISO 8601; where the signal tells. */
  readonly since?: string;
}

/** What a look has gathered about one file system. */
export interface Gathered {
  readonly fileSystem: FileSystem;
  /** What an earlier run of this boot saw. */
  readonly remembered: Remembered | undefined;
  readonly ext4: Ext4Counters | undefined;
  readonly log: DiskLog | undefined;
  readonly probe: ProbeResult | undefined;
  /** Seconds since the epoch; undefined where /proc/stat does not tell. */
  readonly bootTime: number | undefined;
  /** `6.1.0-28-amd64`; empty where it is not known. */
  readonly kernel: string;
}

/** One way to see that a file system cannot be written. Pure; undefined where it says nothing. */
export type Signal = (gathered: Gathered) => WatchEvidence | undefined;
