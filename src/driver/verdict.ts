/** The answer of `mptfix check`. */
export type Verdict =
  /** BUSY becomes DID_BUS_BUSY: a few instant retries, then an I/O error. */
  | 'affected'
  /** The branch was removed, or the vendor's requeue variant stands in its place. */
  | 'fixed'
  /** This driver never had the branch. */
  | 'never'
  /** There is no such driver. */
  | 'absent'
  /** Not enough to decide: the detail says what is missing. */
  | 'unknown';

export type EvidenceKind = 'source' | 'module' | 'kernel-table' | 'kb';

/** One reason for a verdict. A file (source, module) outranks a table; two that disagree are both shown. */
export interface Evidence {
  readonly kind: EvidenceKind;
  readonly verdict: Verdict;
  /** One line for a person. */
  readonly detail: string;
  readonly file?: string;
  /** 1-based line in `file`. */
  readonly line?: number;
}
