import type { FailureKind, TrialRecord } from '../../trial/record.ts';
import { judge, lostOf, type Verdict } from '../contrast.ts';
import { DRIVERS, type Pair } from '../rows.ts';
import type { Panel } from './chart.ts';

/** As a sysadmin calls what the storage does. */
const FAILURE_NAMES: Readonly<Record<FailureKind, string>> = {
  busy: 'BUSY',
  'task-set-full': 'TASK SET FULL',
  'becoming-ready': 'becoming ready',
  'not-ready': 'not ready',
  'aborted-command': 'aborted command',
  slow: 'slow answers',
  'lost-connection': 'lost connection',
};

function failureName({ failure, seconds }: Pick<Pair, 'failure' | 'seconds'>): string {
  return `${FAILURE_NAMES[failure]}, ${seconds} s`;
}

const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  contrast: 'contrast',
  same: 'the same, as it should be',
  'not-as-expected': '**not as expected**',
  'not-run': 'not run',
};

/** A line for each failure, a column for each kernel. */
export function summaryTable(panels: readonly Panel[]): string {
  const kernels = [...new Set(panels.map(({ pair }) => pair.kernel))];
  const failures = [...new Set(panels.map(({ pair }) => failureName(pair)))];
  const cell = (failure: string, kernel: string): string => {
    const here = panels.filter(({ pair }) => pair.kernel === kernel && failureName(pair) === failure);
    const words = [...Map.groupBy(here, (panel) => VERDICT_WORDS[judgeOf(panel)])];
    const fileSystems = (some: readonly Panel[]): string =>
      some.map(({ pair }) => pair.fileSystem).join(', ');
    return words.map(([word, some]) => `${word} (${fileSystems(some)})`).join('; ') || '–';
  };
  return markdown(
    ['the storage', ...kernels],
    failures.map((failure) => [failure, ...kernels.map((kernel) => cell(failure, kernel))]),
  );
}

function judgeOf({ pair, affected, patched }: Panel): Verdict {
  return judge(pair, affected, patched).verdict;
}

const COLUMNS = [
  ...[
    'the storage',
    'file system',
    'driver',
    'writes lost',
    'longest write',
    'I/O errors',
    'file system then',
  ],
  ...['read back', 'fsck', '`diagnose`', 'sh watch'],
];

/** Two lines for each pair: what either driver showed. */
export function trialTable(panels: readonly Panel[]): string {
  const lines = panels.flatMap(({ pair, ...trials }) =>
    DRIVERS.map((driver) => {
      const record = trials[driver];
      const shown = record === undefined ? NOT_RUN : cells(record);
      return [failureName(pair), pair.fileSystem, driver, ...shown];
    }),
  );
  return markdown(COLUMNS, lines);
}

const NOT_RUN = ['not run', '', '', '', '', '', '', ''];

function cells(record: TrialRecord): readonly string[] {
  const { writes, longestStall, ioErrors, readOnly, readBack, fsck, diagnose, watch } = record;
  return [
    `${lostOf(record)} of ${writes.length}`,
    `${longestStall.toFixed(1)} s`,
    String(ioErrors),
    readOnly ? 'takes no writes' : 'writable',
    readBack,
    fsck.clean ? 'clean' : `status ${fsck.status}`,
    diagnose || 'none',
    `${watch.before}, then ${watch.after}`,
  ];
}

/** What is not as expected, a line each; empty where all is. */
export function problemLines(panels: readonly Panel[]): readonly string[] {
  return panels.flatMap(({ pair, affected, patched }) =>
    judge(pair, affected, patched).why.map(
      (why) => `- ${pair.kernel}, ${pair.fileSystem}, ${failureName(pair)}: ${why}`,
    ),
  );
}

function markdown(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...lines.map(row)].join('\n');
}
