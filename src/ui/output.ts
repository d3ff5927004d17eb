import { shownHere } from './ascii.ts';
import { printable, printableJson, printablePage } from './printable.ts';
import { keepingMarks, wrapped } from './wrap.ts';

/** How a command is shown: results go to stdout, everything else to stderr. */
export interface View {
  /** One JSON document instead of a page. */
  readonly json: boolean;
  readonly verbose: boolean;
}

/** Prints the command's result: the document with `--json`, else the page. */
export function printResult(view: View, document: unknown, page: string): void {
  if (view.json) process.stdout.write(`${printableJson(document, 2)}\n`);
  else print(page);
}

/** Writes lines to stdout, for a person. */
export function print(text: string): void {
  const lines = shown(text, process.stdout);
  process.stdout.write(lines.endsWith('\n') ? lines : `${lines}\n`);
}

/** A line for a person who watches. */
export function say(text: string): void {
  process.stderr.write(`${shown(text, process.stderr)}\n`);
}

/**
 * The text as a stream's reader is to see it. What came from a guest has no hold on the terminal, wherever in the text
 * it stands; and on a terminal no line is wider than that.
 */
export function shown(text: string, stream: NodeJS.WriteStream): string {
  const isWithColours = isColoured(stream);
  const safe = (line: string): string =>
    isWithColours ? printablePage(line, COLOURS) : printablePage(line.replace(COLOURS, ''));
  return wrapped(
    keepingMarks(text, (line) => shownHere(safe(line))),
    columnsOf(stream),
  );
}

/** The width of a terminal; undefined where it is none, or does not tell. */
export function columnsOf(stream: NodeJS.WriteStream): number | undefined {
  if (stream.isTTY !== true) return undefined;
  return stream.columns > 0 ? stream.columns : undefined;
}

/** Whether it can move its cursor and colour its text. TERM=dumb says that it cannot (terminfo(5)). */
export function isPlain(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY !== true || process.env.TERM === 'dumb';
}

const STYLES = {
  bold: ['1', '22'],
  red: ['31', '39'],
  green: ['32', '39'],
  yellow: ['33', '39'],
  dim: ['2', '22'],
} as const;
export type Style = keyof typeof STYLES;

const COLOURS = new RegExp(`\\u001B\\[(?:${Object.values(STYLES).flat().join('|')})m`, 'g');

function isColoured(stream: NodeJS.WriteStream): boolean {
  return !isPlain(stream) && (process.env.NO_COLOR ?? '') === '';
}

/** Colours stdout's page on a terminal only, and not where NO_COLOR is set (no-color.org). */
export function style(name: Style, text: string): string {
  const [on, off] = STYLES[name];
  return isColoured(process.stdout) ? `\u001B[${on}m${text}\u001B[${off}m` : text;
}

/** `label: value` lines with the values in one column, each a line whatever is in it. */
export function columns(rows: readonly (readonly [label: string, value: string])[]): string {
  const shownRows = rows.map(([label, value]) => [printable(label), value] as const);
  const width = Math.max(...shownRows.map(([label]) => label.length));
  return shownRows.map(([label, value]) => `${`${label}:`.padEnd(width + 2)}${printable(value)}`).join('\n');
}

/** Every line moved to the right. */
export function indent(text: string, by: number): string {
  return text.replace(/^/gm, ' '.repeat(by));
}

/** Bytes for a person. */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${units[unit]}`;
}
