import { defined } from '../../optional.ts';
import { kernelBase } from '../../versions/kernel-base.ts';
import type { Evidence } from '../verdict.ts';
import { inSpan, type KernelVendor } from './kernel-row.ts';
import type { KernelQuestion } from './kernels.ts';
import { packageOrder, type Vendor, vendorOf } from './vendors.ts';

/** What is known of VMware's KB 51306, "Linux based file systems become read-only", for one kernel. */
export interface KbAnswer {
  readonly id: '51306';
  /** Whether VMware's own fix is said to cover it. */
  readonly covered: boolean;
  /** The vendor's kernel that has the fix: `kernel-2.6.9-55.EL (RHEL 4 Update 5) or later`. */
  readonly vendorFix?: string;
  /** Whether this kernel is that one or a later one; undefined where the fixed kernel is not known. */
  readonly hasVendorFix?: boolean;
  readonly inferred: boolean;
  readonly source: string;
  /** One line for a person. */
  readonly detail: string;
}

/** Looks the kernel up in the rows of the KB, in its vendor's order. Pure; takes any text. */
export function kbFor(question: KernelQuestion): KbAnswer {
  const kernel = kernelBase(question.release, question.packageVersion);
  const vendor = kernel === undefined ? undefined : vendorOf(question.distro, kernel);
  if (kernel === undefined || vendor === undefined) return KB_ELSEWHERE;
  const version = packageOrder(kernel, question.packageVersion);
  const row = KB_ROWS.find((one) => one.vendor === vendor.vendor && inSpan(one, version, vendor.compare));
  return row === undefined ? KB_ELSEWHERE : answer(row, vendor, version);
}

/**
 * The same as evidence. `fixed` from the vendor's fixed kernel on; else `unknown`, and not `affected`: the KB
 * names products, and older kernels of those never had the branch.
 */
export function kbEvidence(kb: KbAnswer): Evidence {
  const fix = kb.vendorFix === undefined ? '' : `; the vendor's fix is ${kb.vendorFix}`;
  const here = kb.hasVendorFix === true ? ', which this kernel has' : '';
  return {
    kind: 'kb',
    verdict: kb.hasVendorFix === true ? 'fixed' : 'unknown',
    detail: `${kb.detail}${fix}${here} (${kb.inferred ? 'inferred: ' : ''}${kb.source})`,
  };
}

function answer(row: KbRow, vendor: Vendor, version: string): KbAnswer {
  const { covered, vendorFix, fixedFrom, inferred = false, source, detail } = row;
  const hasVendorFix = fixedFrom === undefined ? undefined : vendor.compare(version, fixedFrom) >= 0;
  return { id: '51306', covered, ...defined({ vendorFix, hasVendorFix }), inferred, source, detail };
}

/** A row of what VMware's KB 51306 is said to cover. */
interface KbRow extends Pick<KbAnswer, 'covered' | 'vendorFix' | 'source' | 'detail'> {
  readonly vendor: KernelVendor;
  /** Span of package versions, in the vendor's order: the first, and the first after it. */
  readonly from: string;
  readonly before: string;
  /** The first package version with that fix, where it lies in this row's span. */
  readonly fixedFrom?: string;
  /** No text names it, and it follows from the driver's history. */
  readonly inferred?: true;
}

/** The article on this bug says that VMware's fix covers RHEL 3, RHEL 4 and SLES 9 SP3. */
const ARTICLE = "per the article; the KB's own text was not found";
const NOT_NAMED = "not in the article; the fix follows from the driver's history";

/** Said where no row fits. */
const KB_ELSEWHERE: KbAnswer = {
  id: '51306',
  covered: false,
  inferred: true,
  source: "not in the article; the KB's own text was not found",
  detail: 'KB 51306 is not known to cover this kernel',
};

const KB_ROWS: readonly KbRow[] = [
  {
    vendor: 'redhat',
    from: '2.4.21-4',
    before: '2.4.22',
    covered: true,
    source: ARTICLE,
    detail: 'KB 51306 covers RHEL 3; its driver never had the branch, so there is no kernel update for it',
  },
  {
    vendor: 'redhat',
    from: '2.6.9-5',
    before: '2.6.10',
    covered: true,
    vendorFix: 'kernel-2.6.9-55.EL (RHEL 4 Update 5) or later',
    fixedFrom: '2.6.9-55',
    source: ARTICLE,
    detail: 'KB 51306 covers RHEL 4',
  },
  {
    vendor: 'suse',
    from: '2.6.5-7.244',
    before: '2.6.5-7.308',
    covered: true,
    source: `${ARTICLE}; by SUSE's list of kernels SP3 is 2.6.5-7.244 to before 2.6.5-7.308`,
    detail: 'KB 51306 covers SLES 9 SP3; which of its kernels has the fix is not known',
  },
  {
    vendor: 'redhat',
    from: '2.6.18-0',
    before: '2.6.19',
    covered: false,
    vendorFix: 'kernel-2.6.18-53.el5 (RHEL 5.1) or later',
    fixedFrom: '2.6.18-53',
    inferred: true,
    source: `${NOT_NAMED}, Red Hat bug 228108`,
    detail: 'KB 51306 is not known to cover RHEL 5',
  },
  {
    vendor: 'ubuntu',
    from: '2.6.14~rc3',
    before: '2.6.22~rc1',
    covered: false,
    vendorFix: 'Ubuntu 7.10 (2.6.22) or later',
    inferred: true,
    source: NOT_NAMED,
    detail: 'KB 51306 is not known to cover Ubuntu',
  },
];
