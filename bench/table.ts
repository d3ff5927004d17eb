/** What a contender's runs came to. Seconds are medians unless the name says otherwise. */
export interface Row {
  readonly name: string;
  readonly medianSeconds: number;
  readonly minSeconds: number;
  readonly maxSeconds: number;
  /** Processor time, user and system, of all its processes. */
  readonly cpuSeconds: number;
  /** Largest resident set of any one of its processes, in MiB; NaN where nothing could tell. */
  readonly peakMiB: number;
}

/** A row of a table of growth: how many times the first row's work it does, such as 40 for 40 guests. */
export interface GrowthRow extends Row {
  readonly work: number;
}

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** How many times the seconds of row `base` the row `name` took; NaN if a row is missing. */
export function ratio(rows: readonly Row[], name: string, base: string): number {
  const seconds = (wanted: string): number =>
    rows.find((row) => row.name === wanted)?.medianSeconds ?? Number.NaN;
  return seconds(name) / seconds(base);
}

/** A Markdown table; ratios are to the row that is named. */
export function table(rows: readonly Row[], base: string): string {
  return markdown(
    ['what', 'median', 'min – max', `ratio to ${base}`, 'processor time', 'peak'],
    rows.map((row) => [
      row.name,
      `${row.medianSeconds.toFixed(3)} s`,
      `${row.minSeconds.toFixed(3)} – ${row.maxSeconds.toFixed(3)} s`,
      ratio(rows, row.name, base).toFixed(2),
      `${row.cpuSeconds.toFixed(2)} s`,
      mebibytes(row.peakMiB),
    ]),
  );
}

/** A Markdown table of the same thing done to more and more; ratios are to its first row. */
export function growthTable(rows: readonly GrowthRow[]): string {
  const [first] = rows;
  return markdown(
    ['what', 'median', 'min – max', 'work, ratio to the first row', 'time, ratio to the first row', 'peak'],
    rows.map((row) => [
      row.name,
      `${row.medianSeconds.toFixed(2)} s`,
      `${row.minSeconds.toFixed(2)} – ${row.maxSeconds.toFixed(2)} s`,
      times(row.work / (first?.work ?? Number.NaN)),
      times(row.medianSeconds / (first?.medianSeconds ?? Number.NaN)),
      mebibytes(row.peakMiB),
    ]),
  );
}

/** How far the measuring itself may be out before a growth counts as more than linear. */
const LINEAR_SLACK = 1.1;

/**
 * Whether neither time nor memory grows faster than the work, as a target's line: from each row to the next, so that a
 * high cost of starting hides nothing.
 */
export function linear(rows: readonly GrowthRow[], what: string): string {
  const steps = rows.slice(1).map((row, index) => ({ row, before: rows[index] as GrowthRow }));
  const worst = (of: (row: GrowthRow) => number): number =>
    steps.length === 0
      ? Number.NaN
      : Math.max(...steps.map(({ row, before }) => of(row) / of(before) / (row.work / before.work)));
  const [time, memory] = [worst((row) => row.medianSeconds), worst((row) => row.peakMiB)];
  const figures = `for each unit of work at most ${times(time)} times the time and ${times(memory)} times the memory of the row before`;
  const isMeasured = !Number.isNaN(time) && !Number.isNaN(memory);
  const met = isMeasured ? time <= LINEAR_SLACK && memory <= LINEAR_SLACK : undefined;
  return target(`${what}: no faster than linear (${figures})`, met);
}

/** One target as a line of a list. What could not be measured is neither met nor missed. */
export function target(text: string, met: boolean | undefined): string {
  return `- ${text}: ${met === undefined ? 'not measured' : met ? 'met' : '**missed**'}`;
}

/** A target for a ratio of two rows: `most` is the highest that meets it. */
export function ratioTarget(
  rows: readonly Row[],
  [name, base]: readonly [name: string, base: string],
  most: number,
): string {
  const found = ratio(rows, name, base);
  const figure = Number.isNaN(found) ? '?' : found.toFixed(2);
  const text = `${name} at most ${most} times ${base} (${figure})`;
  return target(text, Number.isNaN(found) ? undefined : found <= most);
}

/** The lines under their heading. */
export function targets(...lines: readonly string[]): string {
  return ['Targets:', '', ...lines].join('\n');
}

function times(value: number): string {
  return Number.isNaN(value) ? '?' : value.toFixed(value < 10 ? 2 : 1);
}

function mebibytes(value: number): string {
  return Number.isNaN(value) ? '?' : `${value.toFixed(0)} MiB`;
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
