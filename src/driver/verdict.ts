import * as v from 'valibot';
import type { Document } from '../document.ts';

/*
 * This room holds what is known of the LSI Fusion MPT driver: the scanners of its C source and of its module, the
 * tables of kernels and of the knowledge base, and the patches. Each answers with a verdict and its evidence.
 */

/**
 * The answer of `mptfix check`.
 *
 * - `affected`: BUSY becomes DID_BUS_BUSY: a few immediate retries, then an I/O error.
 * - `fixed`: the branch was removed, or the vendor's requeue variant has replaced it.
 * - `never`: this driver never had the branch.
 * - `absent`: there is no such driver.
 * - `unknown`: not enough to decide; the detail says what is missing.
 */
export const verdictSchema = v.picklist(['affected', 'fixed', 'never', 'absent', 'unknown']);
export type Verdict = Document<typeof verdictSchema>;

/** One reason for a verdict. A file (source, module) outranks a table; two that disagree are both shown. */
export const evidenceSchema = v.strictObject({
  /** `kernel-files`: what the kernel's own list, configuration or map of names says where no module was found. */
  kind: v.picklist(['source', 'module', 'kernel-files', 'kernel-table', 'kb']),
  verdict: verdictSchema,
  /** One line for a person. */
  detail: v.string(),
  file: v.exactOptional(v.string()),
  /** 1-based line in `file`. */
  line: v.exactOptional(v.number()),
});
export type Evidence = Document<typeof evidenceSchema>;
