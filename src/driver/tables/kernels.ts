import semver from 'semver';
import { defined } from '../../optional.ts';
import { type KernelBase, kernelBase } from '../../versions/kernel-base.ts';
import type { Order } from '../../versions/order.ts';
import type { Evidence } from '../verdict.ts';
import type { DriverPlace, FixedHow, KernelRow, KernelVendor } from './kernel-row.ts';
import { MAINLINE_ROWS, TAGS_BEFORE_A_CHANGE } from './mainline.ts';
import { packageOrder, type Vendor, vendorOf } from './vendors.ts';

export interface KernelQuestion {
  readonly distro: { readonly id: string; readonly family: string };
  /** As `uname -r` has it. */
  readonly release: string;
  /** The mainline version, semver, for a release that does not say it. */
  readonly base?: string;
  /** Version and release of the kernel's package: `6.1.192-2`, `2.6.9-34.EL`. */
  readonly packageVersion?: string;
}

/** What the kernel table says. A source or a module file outranks it. */
export interface KernelTableEvidence extends Evidence {
  readonly kind: 'kernel-table';
  readonly vendor: KernelVendor;
  /** True where that kernel's source was not read. */
  readonly inferred: boolean;
  /** Where the row comes from. */
  readonly source: string;
  /** Which file holds the code, in that kernel's tree; undefined where that is not known. */
  readonly driver?: DriverPlace;
  readonly how?: FixedHow;
  /** What to know beside the verdict; with `unknown`, what is missing to decide. One line each. */
  readonly caveats: readonly string[];
}

const MISSING = "The driver's source or its module is needed to decide";

/**
 * The table's verdict on a kernel. Pure; takes any text. A vendor's kernel is judged by that vendor's rows
 * alone: mainline's never decide on it, and where it has no row the verdict is `unknown`.
 */
export function kernelTableVerdict(question: KernelQuestion): KernelTableEvidence {
  const kernel = kernelBase(question.release, question.packageVersion) ?? fromBase(question.base);
  if (kernel === undefined) {
    return undecided('mainline', 'this release names no kernel version', 'the release');
  }
  const vendor = vendorOf(question.distro, kernel);
  if (vendor !== undefined) return byVendor(vendor, packageOrder(kernel, question.packageVersion));
  const plain = question.distro.family === 'unknown' && /^(?:rc\d+)?$/.test(kernel.local);
  return byMainline(kernel, !plain);
}

function fromBase(base: string | undefined): KernelBase | undefined {
  return base === undefined ? undefined : kernelBase(base);
}

function byVendor(vendor: Vendor, version: string): KernelTableEvidence {
  const row = vendor.rows.find((candidate) => inSpan(candidate, version, vendor.compare));
  if (row !== undefined) return evidence(row, vendor.vendor, row.inferred);
  return undecided(vendor.vendor, `no table row for ${vendor.name}'s kernel ${version}`, 'the kernel table');
}

/** `ownBuild`: its builder may have changed the source, so that the row is a guess at best. */
function byMainline(kernel: KernelBase, ownBuild: boolean): KernelTableEvidence {
  if (kernel.snapshot && TAGS_BEFORE_A_CHANGE.includes(kernel.base) && kernel.stable === undefined) {
    const source = 'the driver changed between this tag and the next';
    return undecided('mainline', `a tree of some time after ${kernel.base}`, source);
  }
  const row = MAINLINE_ROWS.find((candidate) => inSpan(candidate, kernel.base, semver.compare));
  if (row === undefined) return undecided('mainline', `no table row for ${kernel.base}`, 'the kernel table');
  const changed =
    'Not a kernel of a known vendor, judged by its version: its builder may have changed the driver';
  const judged = ownBuild ? { ...row, caveats: [...row.caveats, changed] } : row;
  return evidence(judged, 'mainline', row.inferred || ownBuild);
}

function inSpan(row: KernelRow, version: string, compare: (a: string, b: string) => Order): boolean {
  if (row.from !== undefined && compare(version, row.from) < 0) return false;
  return row.before === undefined || compare(version, row.before) < 0;
}

/** What each verdict means, for the line that a person reads. */
const MEANING: Readonly<Record<KernelRow['verdict'], string>> = {
  affected: 'the driver turns BUSY into DID_BUS_BUSY',
  fixed: 'the driver no longer turns BUSY into DID_BUS_BUSY',
  never: 'the driver never turned BUSY into DID_BUS_BUSY',
  absent: 'there is no such driver',
  unknown: 'the table cannot decide',
};

function evidence(row: KernelRow, vendor: KernelVendor, inferred: boolean): KernelTableEvidence {
  const requeue = row.how === 'requeue' ? ', it asks for a requeue (DID_COND_REQUEUE)' : '';
  const origin = inferred ? `inferred: ${row.source}` : row.source;
  return {
    kind: 'kernel-table',
    verdict: row.verdict,
    detail: `${row.product}: ${MEANING[row.verdict]}${requeue} (${origin})`,
    vendor,
    inferred,
    source: row.source,
    ...defined({ driver: row.driver, how: row.how }),
    caveats: row.caveats,
  };
}

function undecided(vendor: KernelVendor, why: string, source: string): KernelTableEvidence {
  const detail = `${MEANING.unknown}: ${why}`;
  return {
    kind: 'kernel-table',
    verdict: 'unknown',
    detail,
    vendor,
    inferred: true,
    source,
    caveats: [MISSING],
  };
}
