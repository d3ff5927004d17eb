import compare from 'semver/functions/compare.js';
import { defined } from '../../optional.ts';
import { type KernelBase, kernelBase } from '../../versions/kernel-base.ts';
import type { Evidence } from '../verdict.ts';
import { type ForeignBuilder, foreignBuilder } from './foreign.ts';
import { inSpan, type KernelRow } from './kernel-row.ts';
import { MAINLINE_ROWS, TAGS_BEFORE_A_CHANGE } from './mainline.ts';
import { packageOrder, runsKernelsOf, type Vendor, vendorCalled, vendorOf } from './vendors.ts';

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
export interface KernelTableEvidence extends Evidence, Pick<KernelRow, 'driver' | 'how'> {
  readonly kind: 'kernel-table';
  /** True where that kernel's source was not read. */
  readonly inferred: boolean;
  /** Whose build the verdict is about, where that is known: `Debian`. */
  readonly builder?: string;
  readonly caveats: readonly string[];
}

const MISSING = "The driver's source or its module is needed to decide";

/**
 * The table's verdict on a kernel. Pure; takes any text. A vendor's kernel is judged by that vendor's rows
 * alone: mainline's never decide on it, and where it has no row the verdict is `unknown`. A builder without rows may have
 * taken a driver from anywhere: of its kernels a table never says `never`, `fixed` or `absent`.
 */
export function kernelTableVerdict(question: KernelQuestion): KernelTableEvidence {
  const { release, packageVersion, base } = question;
  const kernel = kernelBase(release, packageVersion) ?? (base === undefined ? undefined : kernelBase(base));
  if (kernel === undefined) return undecided('this release names no kernel version');
  const version = packageOrder(kernel, packageVersion);
  const foreign = foreignBuilder(kernel);
  if (foreign !== undefined)
    return affectedAtMost(byForeign(foreign, kernel, version), foreign.name, release);
  const vendor = vendorOf(question.distro, kernel);
  if (vendor === undefined) return byMainline(kernel, question);
  const found = byVendor(vendor, version);
  return runsKernelsOf(vendor, question.distro, kernel)
    ? found
    : affectedAtMost(found, `this derivative of ${vendor.name}`, release);
}

function byForeign({ name, from }: ForeignBuilder, kernel: KernelBase, version: string): KernelTableEvidence {
  const redhat = from === 'redhat' ? vendorCalled('redhat') : undefined;
  const row =
    redhat === undefined
      ? from && mainlineRow(kernel)
      : redhat.rows.find((candidate) => inSpan(candidate, version, redhat.compare));
  if (row === undefined) return undecided(`no table row for ${name}'s kernels`);
  const changed = `A kernel of ${name}, judged by the one that it is built from: the source or the module decides`;
  const found = evidence({ ...row, inferred: true, caveats: [...(row.caveats ?? []), changed] });
  return { ...found, builder: name };
}

/** Of a builder that has no rows a table knows at most that the kernel it started from has the branch. */
function affectedAtMost(found: KernelTableEvidence, builder: string, release: string): KernelTableEvidence {
  if (found.verdict === 'affected' || found.verdict === 'unknown') return found;
  return undecided(
    `no table row for ${builder}'s kernel ${release}, which may differ from the one it is built from`,
  );
}

function byVendor(vendor: Vendor, version: string): KernelTableEvidence {
  const row = vendor.rows.find((candidate) => inSpan(candidate, version, vendor.compare));
  if (row !== undefined) return { ...evidence(row), builder: vendor.name };
  return undecided(`no table row for ${vendor.name}'s kernel ${version}`);
}

/** A kernel whose release has nothing but mainline's own words: a candidate, a snapshot. */
const MAINLINES_OWN = /^(?:rc\d{1,3})?-?(?:(?:git|bk)\d{1,3})?$/;

function byMainline(kernel: KernelBase, { distro, release }: KernelQuestion): KernelTableEvidence {
  if (kernel.snapshot && TAGS_BEFORE_A_CHANGE.includes(kernel.base) && kernel.stable === undefined) {
    return undecided(`a tree of some time after ${kernel.base}`);
  }
  const row = mainlineRow(kernel);
  if (row === undefined) return undecided(`no table row for ${kernel.base}`);
  const isMainlines = MAINLINES_OWN.test(kernel.local);
  if (isMainlines && distro.family === 'unknown' && !kernel.snapshot) return evidence(row);
  const changed =
    'Not a kernel of a known vendor, judged by its version: its builder may have changed the driver';
  const found = evidence({ ...row, inferred: true, caveats: [...(row.caveats ?? []), changed] });
  return isMainlines ? found : affectedAtMost(found, 'this builder', release);
}

function mainlineRow({ base }: KernelBase): KernelRow | undefined {
  return MAINLINE_ROWS.find((candidate) => inSpan(candidate, base, compare));
}

/** What each verdict means, for the line that a person reads. */
const MEANING: Readonly<Record<KernelRow['verdict'], string>> = {
  affected: 'the driver turns BUSY into DID_BUS_BUSY',
  fixed: 'the driver no longer turns BUSY into DID_BUS_BUSY',
  never: 'the driver never turned BUSY into DID_BUS_BUSY',
  absent: 'there is no such driver',
  unknown: 'the table cannot decide',
};

function evidence(row: KernelRow): KernelTableEvidence {
  const { product, verdict, driver, how, source, inferred = false, caveats = [] } = row;
  const requeue = how === 'requeue' ? ', it asks for a requeue (DID_COND_REQUEUE)' : '';
  const origin = inferred ? `inferred: ${source}` : source;
  const detail = `${product}: ${MEANING[verdict]}${requeue} (${origin})`;
  return { kind: 'kernel-table', verdict, detail, inferred, ...defined({ driver, how }), caveats };
}

function undecided(why: string): KernelTableEvidence {
  const detail = `${MEANING.unknown}: ${why}`;
  return { kind: 'kernel-table', verdict: 'unknown', detail, inferred: true, caveats: [MISSING] };
}
