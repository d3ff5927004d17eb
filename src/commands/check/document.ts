import type { Evidence, Verdict } from '../../driver/verdict.ts';

/** What `check --json` prints. */
export interface CheckResult {
  readonly schema: 'mptfix.check/1';
  readonly verdict: Verdict;
  /** With `fixed`: the branch was removed, or the vendor's requeue variant stands in its place. */
  readonly how?: 'removed' | 'requeue';
  readonly driver: {
    readonly file: string | null;
    readonly version: string | null;
    readonly module: string | null;
    /** Null: not known. */
    readonly inUse: boolean | null;
  };
  readonly kernel: { readonly release: string; readonly base: string | null; readonly distro: string } | null;
  readonly evidence: readonly Evidence[];
  readonly kb: { readonly id: '51306'; readonly covered: boolean; readonly vendorFix?: string } | null;
  /** How long I/O outlasts BUSY as the driver is now; left out where it is unbounded or not known. */
  readonly survivalWindowSeconds?: number;
}
