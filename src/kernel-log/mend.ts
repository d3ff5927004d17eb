/**
 * What is mended within a line. `colours`: of a terminal, also as `^[[31m` and `#033[31m`. `entities`: HTML's entities,
 * tags and line breaks, and `=3D` of a mail's source. `white-space`: no-break spaces and the like. `typography`: curly
 * quotation marks, long dashes and `×`. `quoting`: the marks of a quotation in a mail. `file-prefix`: what `grep -n`,
 * `grep -H` and `cat -n` put in front.
 */
export const LINE_REPAIRS = [
  'colours',
  'entities',
  'white-space',
  'typography',
  'quoting',
  'file-prefix',
] as const;
type LineRepairKind = (typeof LINE_REPAIRS)[number];

interface LineRepair {
  readonly kind: LineRepairKind;
  /** Gives the same string back where there is nothing to do. */
  readonly mend: (line: string) => string;
}

const ESCAPE = '\u001b';
const COLOUR = new RegExp(String.raw`(?:${ESCAPE}|\^\[|#033|\\033|\\x1b)\[(?:[\d;]{0,16}m|\d?K)`, 'g');

/** Of HTML's, those that stand in logs: what is escaped, and white space. */
const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ensp: ' ',
  emsp: ' ',
  thinsp: ' ',
};
const ENTITY = /&(?:#(?<decimal>\d{1,6})|#[xX](?<hex>[\da-fA-F]{1,5})|(?<name>[a-z]{2,6}));/g;
/** JSON's way to write what HTML escapes, in a text that is no JSON. */
const UNICODE_ESCAPE = /\\u00(?<hex>3c|3e|26|22|27|a0)/gi;
const TAG = /<\/?(?:pre|p|div|span|font|code|tt|b|i|td|tr|li|blockquote)(?: [^<>\n]{0,200})?\/?>/gi;
const LINE_BREAK_TAG = /<br ?\/?>/gi;

const WIDE_SPACE = /[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/g;
const NO_WIDTH = /[\u00ad\u200b-\u200d\u2060\ufeff]/g;
/** `> `, `>> `, `> > `, `| `. */
const QUOTED = /^(?:[ \t]{0,3}[>|])+ ?/;

const REPAIRS: readonly LineRepair[] = [
  { kind: 'colours', mend: (line) => line.replace(COLOUR, '') },
  { kind: 'entities', mend: entities },
  { kind: 'white-space', mend: (line) => line.replace(WIDE_SPACE, ' ').replace(NO_WIDTH, '') },
  { kind: 'typography', mend: typography },
  { kind: 'quoting', mend: (line) => line.replace(QUOTED, '') },
];

/** What stands in front of every line of a log, from the program that printed it. */
const IN_FRONT: readonly RegExp[] = [
  // grep -Hn, also with the lines around (-C), which have hyphens.
  /^[\w./+-]{1,200}[:-]\d{1,9}[:-](?=[^\d\s]|\d{4}[-/ ])/,
  // grep -n.
  /^\d{1,9}[:-](?=[^\d\s]|\d{4}[-/ ])/,
  // grep -H and zgrep in several files.
  /^(?:[\w./+-]{0,200}\/)?(?:messages|syslog|kern|dmesg|[\w+-]{1,60}\.(?:log|txt|out))[\w.+-]{0,60}[:-](?=[^\d\s-]|\d{4}-)/,
  // cat -n and less -N.
  /^ {0,12}\d{1,9}(?:\t| {2,8})(?=\S)/,
];
const SAMPLE_LINES = 20;

/** What stands in front of the first lines of a log; undefined where nothing does. */
export function foundInFront(bytes: Buffer): RegExp | undefined {
  const lines = decoded(bytes.subarray(0, 16 * 1024))
    .split('\n')
    .slice(0, SAMPLE_LINES)
    .map((line) => REPAIRS.reduce((mended, { mend }) => mend(mended), line))
    .filter((line) => line.trim() !== '');
  return IN_FRONT.find((front) => {
    const found = lines.filter((line) => front.test(line)).length;
    return found > 0 && found * 2 >= lines.length;
  });
}

/**
 * Mends each line of a text of whole lines. @param inFront what stands before every line
 * @param onCount called with the number of lines that a repair changed
 */
export function mendLines(
  bytes: Buffer,
  inFront: RegExp | undefined,
  onCount: (kind: LineRepairKind, lines: number) => void,
): Buffer {
  const repairs: readonly LineRepair[] =
    inFront === undefined
      ? REPAIRS
      : [...REPAIRS, { kind: 'file-prefix', mend: (line) => line.replace(inFront, '') }];
  const before = softBreaks(decoded(bytes));
  const counts = new Map<LineRepairKind, number>();
  const after = before
    .split('\n')
    .map((line) => {
      let mended = line;
      for (const { kind, mend } of repairs) {
        const next = mend(mended);
        if (next !== mended) counts.set(kind, (counts.get(kind) ?? 0) + 1);
        mended = next;
      }
      return mended;
    })
    .join('\n');
  for (const [kind, lines] of counts) onCount(kind, lines);
  return after === before && counts.size === 0 ? bytes : Buffer.from(after);
}

/** UTF-8, or an older encoding of one byte a character where it is not. */
function decoded(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? bytes.toString('latin1') : text;
}

/** In the source of a mail each long line is broken behind a `=`; RFC 2045, 6.7. */
function softBreaks(text: string): string {
  return text.includes('=3D') ? text.replace(/=\r?\n/g, '') : text;
}

function entities(line: string): string {
  let text = line;
  if (text.includes('=3D')) text = text.replace(/=([\dA-F]{2})/g, (_, hex: string) => character(hex, 16));
  if (text.includes('<')) text = text.replace(LINE_BREAK_TAG, '\n').replace(TAG, '');
  if (text.includes('\\u00')) text = text.replace(UNICODE_ESCAPE, (_, hex: string) => character(hex, 16));
  if (!text.includes('&')) return text;
  // What was escaped twice, as in `&amp;lt;`, once more.
  const once = text.replace(ENTITY, entity);
  return once.includes('&') ? once.replace(ENTITY, entity) : once;
}

function entity(whole: string, decimal?: string, hex?: string, name?: string): string {
  if (decimal !== undefined) return character(decimal, 10);
  if (hex !== undefined) return character(hex, 16);
  return ENTITIES[name ?? ''] ?? whole;
}

/** Control characters stay escaped: they are none of a log's text. */
function character(digits: string, base: 10 | 16): string {
  const code = Number.parseInt(digits, base);
  const isText =
    code >= 0x20 && code <= 0xffff && !(code >= 0x7f && code < 0xa0) && !(code >= 0xd800 && code < 0xe000);
  return isText ? String.fromCharCode(code) : '';
}

function typography(line: string): string {
  return line
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/[\u2018-\u201b]/g, "'")
    .replace(/[\u2010-\u2015]/g, '-')
    .replace(/(?<=0)\u00d7(?=[\da-f])/gi, 'x');
}
