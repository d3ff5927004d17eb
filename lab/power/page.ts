import type { CutRecord } from './record.ts';

/** What is printed of a run: a line a cut, and how many were lost. */
export function page(records: readonly CutRecord[], seed: number): string {
  const lost = records.filter(({ problems }) => problems.length > 0);
  return [
    '| cut | command | the power went | disk | of its cache, lost | boots | status | driver it runs on | then | status |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...records.map(row),
    '',
    `${records.length} power cuts (seed ${seed}), ${lost.length} lost.`,
    ...lost.flatMap(({ cut, problems }) => problems.map((problem) => `cut ${cut.number}: ${problem}`)),
  ].join('\n');
}

function row({ cut, disk, boots, bootSeconds, found, next, afterwards }: CutRecord): string {
  const moment = cut.later === 0 ? cut.after : `${cut.later} ${cut.unit} after ${cut.after}`;
  const cells = [
    cut.number,
    cut.way,
    moment,
    cut.kind,
    `${disk.lost} of ${disk.unsafe} writes`,
    boots ? `${bootSeconds} s` : 'NO',
    found?.state ?? '–',
    found?.loaded ?? '–',
    next === null ? '–' : `${cut.next}: ${next.status}`,
    afterwards?.state ?? '–',
  ];
  return `| ${cells.join(' | ')} |`;
}
