import type { TrialRecord } from './record.ts';

/** A table of Markdown, with a line for each trial, and below it what is not as expected. */
export function trialTable(trials: readonly TrialRecord[]): readonly string[] {
  const line = (trial: TrialRecord): string => {
    const done = trial.writes.filter(({ ok }) => ok).length;
    const cells = [
      trial.row.driver,
      trial.srcversion,
      trial.answers,
      `${done} of ${trial.writes.length}`,
      `${trial.longestStall.toFixed(1)} s`,
      trial.ioErrors,
      trial.readOnly ? 'read-only' : 'read-write',
      trial.diagnose,
      `${trial.watch.before} / ${trial.watch.after}`,
      trial.readBack,
      trial.fsck.clean ? 'clean' : `${trial.fsck.program} ${trial.fsck.status}`,
      `${trial.wallSeconds.toFixed(0)} s`,
    ];
    return `| ${cells.join(' | ')} |`;
  };
  return [
    '| driver | srcversion | false answers | writes done | longest stall | I/O errors | file system | diagnose | watch before / after | read back | fsck | run |',
    `|${'---|'.repeat(12)}`,
    ...trials.map(line),
    ...trials.flatMap(({ row, problems }) => problems.map((problem) => `\n${row.driver}: ${problem}`)),
  ];
}
