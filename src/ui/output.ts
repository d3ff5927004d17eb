import { printable, printableJson, printablePage } from './printable.ts';

/** How a command is shown: results go to stdout, everything else to stderr. */
export interface View {
  /** One JSON document instead of a page. */
  readonly json: boolean;
  readonly verbose: boolean;
}

/** Prints the command's result: the document with `--json`, else the page. */
export function printResult(view: View, document: unknown, page: string): void {
  const text = view.json ? printableJson(document, 2) : shown(page);
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** A line for a person who watches. */
export function say(text: string): void {
  process.stderr.write(`${shown(text)}\n`);
}

/** What came from a guest has no hold on the terminal, wherever in the text it stands. */
function shown(text: string): string {
  return isColoured() ? printablePage(text, COLOURS) : printablePage(text);
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

function isColoured(): boolean {
  return process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '';
}

/** Colours stdout's page on a terminal only, and not where NO_COLOR is set (no-color.org). */
export function style(name: Style, text: string): string {
  const [on, off] = STYLES[name];
  return isColoured() ? `\u001B[${on}m${text}\u001B[${off}m` : text;
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
