import { expected } from '../trial/expected.ts';
import type { TrialRecord } from '../trial/record.ts';
import { DRIVERS, type Pair } from './rows.ts';

/** What a pair's trials show. Only the first two are as expected. */
export type Verdict =
  /** The affected driver loses writes, and the patched one none. */
  | 'contrast'
  /** Both drivers do the same, as they should: the branch has no part in it, or the failure outlasts the patched one. */
  | 'same'
  | 'not-as-expected'
  /** At least one of them was not run. */
  | 'not-run';

export interface Judgement {
  readonly verdict: Verdict;
  /** What is not as expected. */
  readonly why: readonly string[];
}

/** Whether the affected driver is to lose writes where the patched one loses none. */
function expectsContrast(pair: Pair): boolean {
  const [affected, patched] = DRIVERS.map((driver) => expected({ ...pair, driver }).loses);
  return affected === true && patched === false;
}

/** Judges by what the trials themselves say is not as expected, and once more by the writes alone. */
export function judge(
  pair: Pair,
  affected: TrialRecord | undefined,
  patched: TrialRecord | undefined,
): Judgement {
  if (affected === undefined || patched === undefined) return { verdict: 'not-run', why: [] };
  const why = [
    ...affected.problems.map((text) => `affected: ${text}`),
    ...patched.problems.map((text) => `patched: ${text}`),
    ...contrastMissing(pair, affected, patched),
  ];
  if (why.length > 0) return { verdict: 'not-as-expected', why };
  return { verdict: expectsContrast(pair) ? 'contrast' : 'same', why: [] };
}

/** Two trials of the same module would show whatever that module does. */
function contrastMissing(pair: Pair, affected: TrialRecord, patched: TrialRecord): readonly string[] {
  const [lost, lostToo] = [lostOf(affected), lostOf(patched)];
  return [
    ...(affected.srcversion === patched.srcversion ? ['both trials loaded the same module'] : []),
    ...(affected.kernel === patched.kernel ? [] : ['the trials are of two kernels']),
    ...(expectsContrast(pair) && lost === 0 ? ['no contrast: the affected driver lost no write'] : []),
    ...(expectsContrast(pair) && lostToo > 0
      ? [`no contrast: the patched driver lost ${lostToo} writes`]
      : []),
  ];
}

/** Writes that the guest was told had failed. */
export function lostOf({ writes }: TrialRecord): number {
  return writes.filter(({ ok }) => !ok).length;
}
