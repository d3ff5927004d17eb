import type { Order } from '../../versions/order.ts';
import type { Verdict } from '../verdict.ts';

/** Whose kernel it is, which is not always whose distribution it runs in. */
export type KernelVendor = 'mainline' | 'redhat' | 'fedora' | 'debian' | 'ubuntu' | 'suse';

/** Where the code of the branch is, or was, in that kernel's source. */
export interface DriverPlace {
  /** Path in the kernel tree. */
  readonly file: string;
  /** The module that is built from it. */
  readonly module: string;
}

/**
 * `removed`: BUSY goes to the midlayer unchanged. `requeue`: Red Hat's DID_COND_REQUEUE has replaced the branch.
 */
export type FixedHow = 'removed' | 'requeue';

/** A row of the kernel table: a span of one vendor's kernels, and what their driver does with BUSY. */
export interface KernelRow {
  /** For a person: `RHEL 4 Update 3 and 4`. */
  readonly product: string;
  /**
   * The first kernel of the span, and the first one after it; open where left out. Mainline: semver, ordered
   * as semver. A vendor's: version and release of the package, in the order of the vendor's package manager.
   */
  readonly from?: string;
  readonly before?: string | undefined;
  readonly verdict: Verdict;
  /** With verdict `fixed` only. */
  readonly how?: FixedHow;
  readonly driver?: DriverPlace;
  /** MPT_LINUX_VERSION_COMMON there. Cannot decide: 3.04.04 is affected in 2.6.21 and fixed in 2.6.22. */
  readonly driverVersion?: string;
  /** What the verdict does not say, or with `unknown` what is missing to decide. One line each. */
  readonly caveats?: readonly string[];
  /** That kernel's source was not read, and the row follows from something else. */
  readonly inferred?: true;
  /** Where the row comes from. */
  readonly source: string;
}

export const MPTSCSIH: DriverPlace = { file: 'drivers/message/fusion/mptscsih.c', module: 'mptscsih' };

/** RHEL 4 from Update 3: `mptscsih.c` is a dummy of some 36 lines there. */
export const MPTSCSI: DriverPlace = { file: 'drivers/message/fusion/mptscsi.c', module: 'mptscsi' };

/** Full ids: 466544d8898 of 2005-09-14, ad8c31bb69d60c0c6bc6431bccdf67e5a96c0d31 of 2007-03-19. */
export const INTRODUCED = 'mainline commit 466544d8898 (2.6.14-rc3)';
export const REMOVED = 'mainline commit ad8c31bb69d6 (2.6.22-rc1)';

/** Whether a version lies between `from` and `before` of a row, in its vendor's order. */
export function inSpan(
  { from, before }: Pick<KernelRow, 'from' | 'before'>,
  version: string,
  compare: (a: string, b: string) => Order,
): boolean {
  if (from !== undefined && compare(version, from) < 0) return false;
  return before === undefined || compare(version, before) < 0;
}

/** Of each row that follows only from the version the vendor started from. */
export const FROM_BASE = {
  driver: MPTSCSIH,
  caveats: ['The vendor may have changed the driver: the source or the module decides'],
  inferred: true,
} as const;
