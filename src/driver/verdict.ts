/*
 * This room holds what is known of the LSI Fusion MPT driver: the scanners of its C source and of its module, the
 * tables of kernels and of the knowledge base, and the patches. Each answers with a verdict and its evidence.
 */

/** The answer of `mptfix check`. */
export type Verdict =
  /** BUSY becomes DID_BUS_BUSY: a few immediate retries, then an I/O error. */
  | 'affected'
  /** The branch was removed, or the vendor's requeue variant has replaced it. */
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
