import { coerce, satisfies } from 'semver';
import { failure } from '../../errors.ts';
import { type LineRange, type SourceScan, type SourceShape, scanDriverSource } from '../source/scan.ts';
import { type DriverFile, loadCatalogue, type StoredPatch } from './catalogue.ts';
import { disproof } from './prove.ts';
import { applyDiff, diffTexts, formatUnified, reverseDiff } from './unified.ts';

export interface PatchRequest {
  /** The driver's file; read it as latin1 and write it so, as old drivers are not all UTF-8. */
  readonly text: string;
  /** Its name or path. */
  readonly file: string;
  /** The kernel's base version, such as `2.6.18`, or a release that starts with one. */
  readonly base: string;
  /** Stored diffs to choose from; default: those of the project. */
  readonly catalogue?: readonly StoredPatch[];
}

export interface PatchedDriver {
  readonly kind: 'patched';
  readonly patched: string;
  /** From the text to `patched`, for `patch -p1` in the kernel's source. */
  readonly diff: string;
  /** `adapted`: derived from the branch that was found, because no stored diff fits. */
  readonly origin: 'stored' | 'adapted';
  /** The stored diff's name, or `adapted`. */
  readonly name: string;
  /** 1-based lines of the branch in the text. */
  readonly lines: LineRange;
}

export interface NothingToDo {
  readonly kind: 'nothing';
  /** `already`: this kernel came with the branch, and it is gone, as after a patch. */
  readonly reason: 'fixed' | 'never' | 'dummy' | 'already';
  readonly detail: string;
}

/**
 * Removes the branch from a driver's file, by a stored diff where one fits, and proves the outcome.
 * Throws E_PATCH_NO_BRANCH (no branch found with certainty), E_PATCH_NO_FIT (mptfix cannot write a diff for this branch) or
 * E_PATCH_UNPROVEN (a diff whose outcome could not be proven).
 */
export function makePatch(request: PatchRequest): PatchedDriver | NothingToDo {
  const { text, file } = request;
  const catalogue = request.catalogue ?? loadCatalogue();
  const scan = scanDriverSource(text, file);
  if (scan.shape !== 'affected') return nothingToDo(scan, request, catalogue);
  const target = driverFileOf(file);
  const refusals: string[] = [];
  const candidates = [
    ...storedCandidates(request, scan, { catalogue, target }, refusals),
    ...scan.site.edits.map(({ start, end, replacement }) => ({
      patched: text.slice(0, start) + replacement + text.slice(end),
      origin: 'adapted' as const,
      name: 'adapted',
    })),
  ];
  const unproven: string[] = [];
  for (const { patched, origin, name } of candidates) {
    const wrong = disproof(text, patched, file, scan.site);
    if (wrong === undefined) {
      const diff = formatUnified(diffTexts(text, patched, `drivers/message/fusion/${target}`));
      return { kind: 'patched', patched, diff, origin, name, lines: scan.lines };
    }
    unproven.push(`${name}: ${wrong}`);
  }
  throw refusal(scan, unproven, refusals);
}

type Candidate = Pick<PatchedDriver, 'patched' | 'origin' | 'name'>;

type Affected = SourceScan & { shape: 'affected' };

/** RHEL 4 has the code in mptscsi.c, all others in mptscsih.c. */
function driverFileOf(file: string): DriverFile {
  return /(?:^|[\\/])mptscsi\.c$/i.test(file) ? 'mptscsi.c' : 'mptscsih.c';
}

/** The stored diffs that fit on the branch; why another does not goes to `refusals`. */
function storedCandidates(
  request: PatchRequest,
  scan: Affected,
  { catalogue, target }: { readonly catalogue: readonly StoredPatch[]; readonly target: DriverFile },
  refusals: string[],
): Candidate[] {
  const candidates: Candidate[] = [];
  for (const stored of catalogue) {
    if (stored.file !== target || !inRange(request.base, stored.kernels)) continue;
    const applied = applyDiff(request.text, stored.diff);
    if (!applied.fits) refusals.push(`${stored.name}: ${applied.reason}`);
    else if (
      !applied.places.every((place) => place.first <= scan.lines.first && scan.lines.last <= place.last)
    ) {
      refusals.push(`${stored.name}: it fits on line ${applied.places[0]?.first}, which is not the branch`);
    } else candidates.push({ patched: applied.text, origin: 'stored', name: stored.name });
  }
  return candidates;
}

/** True where a base such as `2.6.18-8.el5` is in a semver range; only its three numbers count. */
function inRange(base: string, range: string): boolean {
  const version = coerce(base);
  return version !== null && satisfies(version, range);
}

/** Why there is nothing to patch, by what the scan has found. */
const REASONS: Readonly<Partial<Record<SourceShape, NothingToDo['reason']>>> = {
  'branch-removed': 'fixed',
  'requeue-variant': 'fixed',
  'never-had-it': 'never',
  dummy: 'dummy',
};

function nothingToDo(
  { shape, file, detail, ...place }: SourceScan,
  { base, text }: PatchRequest,
  catalogue: readonly StoredPatch[],
): NothingToDo {
  const reason = REASONS[shape];
  if (reason === undefined) {
    const next = 'give the file of the driver that the guest runs';
    throw failure('E_PATCH_NO_BRANCH', `${file}: ${detail}${nearestLines(place)}`, next);
  }
  const undone = (stored: StoredPatch): boolean =>
    cameWithBranch(base, stored) && applyDiff(text, reverseDiff(stored.diff)).fits;
  const already = shape === 'branch-removed' && catalogue.some(undone);
  return { kind: 'nothing', reason: already ? 'already' : reason, detail };
}

/** Mainline 2.6.14 to 2.6.21, and RHEL 4, whose kernels had the branch for a time. */
function cameWithBranch(base: string, stored: StoredPatch): boolean {
  return (
    inRange(base, stored.kernels) && inRange(base, stored.file === 'mptscsi.c' ? '2.6.9' : '>=2.6.14 <2.6.22')
  );
}

function nearestLines(scan: Pick<SourceScan, 'lines' | 'text'>): string {
  if (scan.lines === undefined) return '';
  const text = scan.text === undefined ? '' : `: ${scan.text.replaceAll(/\s+/g, ' ').slice(0, 160)}`;
  return ` (line ${scan.lines.first}${text})`;
}

function refusal(scan: Affected, unproven: readonly string[], refusals: readonly string[]): Error {
  const reasons = [...unproven, ...refusals];
  const why = reasons.length === 0 ? 'mptfix cannot write a diff for this branch' : reasons.join('; ');
  const code = unproven.length > 0 ? 'E_PATCH_UNPROVEN' : 'E_PATCH_NO_FIT';
  const next = 'change the branch by hand and give the file with --source';
  return failure(code, `${scan.file}: ${why}${nearestLines(scan)}`, next);
}

/**
 * Puts the branch back into a fixed driver's file, for the demo and the tests: applies a stored diff in reverse, and
 * proves that the diff undoes it. Throws E_PATCH_NO_FIT where none fits in reverse.
 */
export function reintroduceBranch(text: string, catalogue: readonly StoredPatch[] = loadCatalogue()): string {
  const reasons: string[] = [];
  for (const stored of catalogue) {
    const back = applyDiff(text, reverseDiff(stored.diff));
    if (!back.fits) {
      reasons.push(`${stored.name}: ${back.reason}`);
      continue;
    }
    const again = applyDiff(back.text, stored.diff);
    const { shape } = scanDriverSource(back.text, stored.file);
    if (again.fits && again.text === text && shape === 'affected') return back.text;
    reasons.push(`${stored.name}: in reverse it gives ${shape}`);
  }
  const problem = `the branch cannot be put back: ${reasons.join('; ')}`;
  throw failure('E_PATCH_NO_FIT', problem, 'give a driver file that is fixed');
}
