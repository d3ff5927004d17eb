import { kernelBase } from '../../versions/kernel-base.ts';
import type { Evidence } from '../verdict.ts';
import { KB_ELSEWHERE, KB_ROWS, type KbRow } from './kb-rows.ts';
import type { KernelQuestion } from './kernels.ts';
import { packageOrder, type Vendor, vendorOf } from './vendors.ts';

/** What is known of VMware's KB 51306, "Linux based file systems become read-only", for one kernel. */
export interface KbAnswer {
  readonly id: '51306';
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
  if (kernel === undefined || vendor === undefined) return { id: '51306', ...KB_ELSEWHERE };
  const version = packageOrder(kernel, question.packageVersion);
  const row = KB_ROWS.find((candidate) => holds(candidate, vendor, version));
  return row === undefined ? { id: '51306', ...KB_ELSEWHERE } : answer(row, vendor, version);
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

function holds(row: KbRow, vendor: Vendor, version: string): boolean {
  if (row.vendor !== vendor.vendor) return false;
  return vendor.compare(version, row.from) >= 0 && vendor.compare(version, row.before) < 0;
}

function answer(row: KbRow, vendor: Vendor, version: string): KbAnswer {
  const { covered, vendorFix, fixedFrom, inferred, source, detail } = row;
  return {
    id: '51306',
    covered,
    ...(vendorFix === undefined ? {} : { vendorFix }),
    ...(fixedFrom === undefined ? {} : { hasVendorFix: vendor.compare(version, fixedFrom) >= 0 }),
    inferred,
    source,
    detail,
  };
}
