import type { TrialRecord, TrialRow } from '../trial/record.ts';
import { type Pair, pairName, trialsOf } from './rows.ts';

/** Where trials come from, and where their records are kept. */
export interface Bench {
  /** A record of an earlier run that still holds; undefined where the trial has to be run. */
  readonly kept: (row: TrialRow) => Promise<TrialRecord | undefined>;
  /** Runs the trial and keeps its record. */
  readonly run: (row: TrialRow) => Promise<TrialRecord>;
  /** Called as each trial is over. */
  readonly over: (row: TrialRow, outcome: Outcome) => void;
}

/** A record, of this run or an earlier one; or why the trial was not run. */
export type Outcome =
  | { readonly record: TrialRecord; readonly isKept: boolean }
  | { readonly notRun: string };

/** What became of a pair's trials. */
export interface PairOutcome {
  readonly pair: Pair;
  readonly affected: Outcome;
  readonly patched: Outcome;
}

/**
 * Runs both trials of each pair, in this order, `jobs` of them side by side. A trial that cannot be run does not stop the
 * others; the signal does.
 */
export async function runTrials(
  pairs: readonly Pair[],
  bench: Bench,
  { jobs, signal }: { readonly jobs: number; readonly signal: AbortSignal },
): Promise<readonly PairOutcome[]> {
  const rows = pairs.flatMap(trialsOf);
  const outcomes = new Map<TrialRow, Outcome>();
  let next = 0;
  const work = async (): Promise<void> => {
    for (;;) {
      const row = rows[next];
      next += 1;
      if (row === undefined) return;
      signal.throwIfAborted();
      const outcome = await outcomeOf(row, bench, signal);
      outcomes.set(row, outcome);
      bench.over(row, outcome);
    }
  };
  // All of them end before this does: what they have started is gone then.
  const ends = await Promise.allSettled(Array.from({ length: jobs }, work));
  const failed = ends.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
  const of = (pair: Pair, driver: TrialRow['driver']): Outcome => {
    const row = rows.find((one) => one.driver === driver && pairName(one) === pairName(pair));
    return (row === undefined ? undefined : outcomes.get(row)) ?? { notRun: 'it was not reached' };
  };
  return pairs.map((pair) => ({ pair, affected: of(pair, 'affected'), patched: of(pair, 'patched') }));
}

async function outcomeOf(row: TrialRow, { kept, run }: Bench, signal: AbortSignal): Promise<Outcome> {
  try {
    const earlier = await kept(row);
    if (earlier !== undefined) return { record: earlier, isKept: true };
    return { record: await run(row), isKept: false };
  } catch (error) {
    signal.throwIfAborted();
    return { notRun: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
  }
}
