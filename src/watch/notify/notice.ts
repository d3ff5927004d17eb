import type { WatchedEvidence, WatchedState } from '../states.ts';

/** What a notice says of one file system. */
export interface NoticeItem {
  readonly mountPoint: string;
  readonly source: string;
  readonly device: string;
  /** As the kernel names its disk. */
  readonly disk: string | null;
  readonly fsType: string;
  readonly state: WatchedState;
  /** ISO 8601. */
  readonly since: string;
  readonly evidence: readonly WatchedEvidence[];
}

/** What somebody is told, by whatever channel. The webhook gets exactly this. */
export interface Notice {
  readonly schema: 'mptfix.notice/1';
  readonly event: 'alarm' | 'reminder' | 'recovery' | 'test';
  readonly host: string;
  /** ISO 8601. */
  readonly time: string;
  readonly fileSystems: readonly NoticeItem[];
  readonly cause: string;
  readonly advice: readonly string[];
  readonly kernelLines: readonly string[];
}
