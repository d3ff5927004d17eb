import type { Shown } from '../part.ts';
import type { TrialRecord } from '../trial/record.ts';
import { judge } from './contrast.ts';
import { problemLines, summaryTable } from './report/table.ts';
import type { Outcome, PairOutcome } from './run.ts';

/** What a run of the matrix prints, and whether every pair of it was as expected. One that was not run is not. */
export function shown(outcomes: readonly PairOutcome[]): Shown {
  const panels = outcomes.map(({ pair, affected, patched }) => ({
    pair,
    affected: recordOf(affected),
    patched: recordOf(patched),
  }));
  const verdicts = panels.map(({ pair, affected, patched }) => judge(pair, affected, patched).verdict);
  const count = (...wanted: readonly string[]): number =>
    verdicts.filter((verdict) => wanted.includes(verdict)).length;
  const trials = outcomes.flatMap(({ affected, patched }) => [affected, patched]);
  const run = trials.filter((outcome) => !('notRun' in outcome));
  const kept = run.filter((outcome) => 'isKept' in outcome && outcome.isKept);
  const reasons = [...new Set(trials.flatMap((outcome) => ('notRun' in outcome ? [outcome.notRun] : [])))];
  const problems = problemLines(panels);
  const page = [
    summaryTable(panels),
    `${run.length} of ${trials.length} trials, ${kept.length} of them by an earlier run. Of ${panels.length} pairs of drivers ` +
      `${count('contrast')} show the contrast, ${count('same')} show the same as they should, ` +
      `${count('not-as-expected')} are not as expected, ${count('not-run')} were not run.`,
    ...(problems.length === 0 ? [] : [problems.join('\n')]),
    ...(reasons.length === 0 ? [] : [reasons.map((reason) => `- not run: ${reason}`).join('\n')]),
  ].join('\n\n');
  return { page, asExpected: count('contrast', 'same') === panels.length && panels.length > 0 };
}

function recordOf(outcome: Outcome): TrialRecord | undefined {
  return 'record' in outcome ? outcome.record : undefined;
}
