import type { TrialRecord } from '../../trial/record.ts';
import type { LabMachine } from '../machine.ts';
import { allPairs, type Pair, pairName } from '../rows.ts';
import { drawKernel, type Panel } from './chart.ts';
import { problemLines, summaryTable, trialTable } from './table.ts';

/** What a report consists of. */
export interface Report {
  /** Markdown, for the place between the markers. */
  readonly page: string;
  /** By the kernel's name. */
  readonly pictures: ReadonlyMap<string, string>;
}

/**
 * Makes a report of these records: the same records give the same report. It names the pairs of `wanted` that have none as not
 * run.
 */
export function makeReport(
  records: readonly TrialRecord[],
  machine: LabMachine | undefined,
  wanted: readonly Pair[] = [],
): Report {
  const all = panelsOf(records, wanted);
  const panels = all.filter(hasRecord);
  const kernels = [...Map.groupBy(panels, ({ pair }) => pair.kernel)];
  const problems = problemLines(panels);
  const page = [
    about(records, machine),
    summaryTable(all),
    ...(problems.length === 0 ? [] : ['Not as expected:', problems.join('\n')]),
    ...kernels.flatMap(([name, some]) => [
      `### ${name}`,
      versions(some),
      `![Writes over time on ${name} with the affected and the patched driver](lab/${name}.svg)`,
      trialTable(some),
    ]),
  ].join('\n\n');
  const pictures = kernels.map(
    ([name, some]) => [name, drawKernel(pictureTitle(some), some.filter(isDrawn))] as const,
  );
  return { page, pictures: new Map(pictures) };
}

/** Pairs that are wanted, or of which there is at least one record, by the failure's length. */
export function panelsOf(records: readonly TrialRecord[], wanted: readonly Pair[]): readonly Panel[] {
  const find = (name: string, driver: TrialRecord['row']['driver']): TrialRecord | undefined =>
    records.find(({ row }) => row.driver === driver && pairName(row) === name);
  const names = new Set(wanted.map(pairName));
  return allPairs()
    .map((pair) => {
      const name = pairName(pair);
      return { pair, affected: find(name, 'affected'), patched: find(name, 'patched') };
    })
    .filter((panel) => hasRecord(panel) || names.has(pairName(panel.pair)))
    .toSorted((one, other) => order(one) - order(other));
}

function hasRecord({ affected, patched }: Panel): boolean {
  return affected !== undefined || patched !== undefined;
}

/** In a report by length, not by how much it tells. */
function order({ pair }: Panel): number {
  return pair.failure === 'busy' ? pair.seconds - 1000 : 0;
}

/** On each file system for 15 s, and on ext4 for each length. */
function isDrawn({ pair: { failure, fileSystem, seconds } }: Panel): boolean {
  return failure === 'busy' && (seconds === 15 || fileSystem === 'ext4');
}

function recordsOf(panels: readonly Panel[]): readonly TrialRecord[] {
  return panels.flatMap(({ affected, patched }) => [affected, patched]).filter((one) => one !== undefined);
}

function pictureTitle(panels: readonly Panel[]): string {
  const [{ kernel = '', packageVersion = '' } = {}] = recordsOf(panels);
  return `${kernel} (${packageVersion}): a write a second while the storage fails over`;
}

function about(records: readonly TrialRecord[], machine: LabMachine | undefined): string {
  const dates = records.map(({ date }) => date.slice(0, 10)).sort();
  const between = [...new Set([dates[0], dates.at(-1)])].join(' to ');
  const qemu = unique(records.map((record) => record.qemu)).join(', ');
  const hours = records.reduce((sum, { wallSeconds }) => sum + wallSeconds, 0) / 3600;
  const where =
    machine === undefined
      ? 'a machine that is not recorded'
      : `${machine.system}, ${machine.cores} cores (${machine.processor}), ${machine.memoryGB} GB, up to ${machine.jobs} guests side by side, tgt ${machine.tgt}`;
  return `${records.length} trials, ${between}, ${hours.toFixed(1)} hours of guests, on ${where}. The guests are emulated in software (TCG) by QEMU ${qemu}.`;
}

function versions(panels: readonly Panel[]): string {
  const records = recordsOf(panels);
  const of = (driver: TrialRecord['row']['driver']): string =>
    unique(records.filter(({ row }) => row.driver === driver).map(({ srcversion }) => srcversion)).join(', ');
  const kernels = unique(records.map(({ kernel, packageVersion }) => `${kernel} (${packageVersion})`));
  return `Kernel ${kernels.join(', ')}; srcversion of mptscsih: affected ${of('affected') || 'not run'}, patched ${of('patched') || 'not run'}.`;
}

function unique(words: readonly string[]): readonly string[] {
  return [...new Set(words)].sort();
}
