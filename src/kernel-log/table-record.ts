/*
 * A line of a table, as spreadsheets, log servers and web consoles export them: CSV with commas or semicolons, or tabs.
 */

/** The cells of one line; undefined where it is no line of a table. */
export function cellsOf(line: string): readonly string[] | undefined {
  for (const { separator, pattern } of SEPARATORS) {
    if (!line.includes(separator)) continue;
    const cells = split(line, pattern);
    if (cells.length >= 2 && cells.some((cell) => CLOCK.test(cell))) return cells;
  }
  return undefined;
}

/** A comma of the kernel's has a space behind it: `I/O error, dev sda, sector 1`. */
const SEPARATORS = [
  { separator: '\t', pattern: /\t/y },
  { separator: ';', pattern: /;(?! )/y },
  { separator: ',', pattern: /,(?! )/y },
  { separator: '|', pattern: / {0,3}\| {0,3}/y },
] as const;
/** Not a part of a PCI address, 0000:03:00.0, nor of a WWN. */
const CLOCK = /(?<![\d:])\d{1,2}:\d{2}:\d{2}(?![\d:])/;
const MAX_CELLS = 64;
const MAX_CHARACTERS = 16 * 1024;

function split(line: string, separator: RegExp): readonly string[] {
  const cells: string[] = [];
  let cell = '';
  let isQuoted = false;
  const text = line.slice(0, MAX_CHARACTERS);
  for (let at = 0; at < text.length; ) {
    const character = text.charAt(at);
    if (isQuoted ? character === '"' : character === '"' && cell.trim() === '') {
      // Within quotation marks two of them stand for one.
      if (isQuoted && text.charAt(at + 1) === '"') {
        cell += '"';
        at += 2;
        continue;
      }
      isQuoted = !isQuoted;
      at += 1;
      continue;
    }
    separator.lastIndex = at;
    if (!isQuoted && separator.test(text) && cells.length < MAX_CELLS) {
      cells.push(cell.trim());
      cell = '';
      at = separator.lastIndex;
      continue;
    }
    cell += character;
    at += 1;
  }
  return [...cells, cell.trim()];
}

/** What a cell may be beside the message: whose words it is. `kernel` and `kern` are the kernel's. */
const OF_KERNEL = /^(?:klogd|kern(?:el)?(?:[.:]\w{1,9})?)$/i;
const SEVERITY = /^(?:\d{1,3}|emerg|alert|crit(?:ical)?|err(?:or)?|warn(?:ing)?|notice|info|debug|-|)$/i;

export interface TableLine {
  /** The cell with the message, perhaps with a prefix of its own. */
  readonly message: string;
  /** What may be its date. */
  readonly date: string;
  readonly host: string | undefined;
  /** Whether a cell says that the kernel wrote it; undefined where no cell says who did. */
  readonly isOfKernel: boolean | undefined;
}

/** Which cell is what: the message is the longest, the date has a clock, the host stands behind the date. */
export function readCells(cells: readonly string[]): TableLine | undefined {
  const dateAt = cells.findIndex((cell) => CLOCK.test(cell) && cell.length <= 64);
  const messageAt = cells.reduce(
    (best, cell, at) => (at !== dateAt && cell.length > (cells[best]?.length ?? 0) ? at : best),
    dateAt === 0 ? 1 : 0,
  );
  const message = cells[messageAt];
  if (message === undefined || messageAt === dateAt) return undefined;
  const others = cells.filter((cell, at) => at !== dateAt && at !== messageAt && !SEVERITY.test(cell));
  const isOfKernel = others.some((cell) => OF_KERNEL.test(cell));
  const hosts = others.filter((cell) => !OF_KERNEL.test(cell) && /^[\w.:-]{1,255}$/.test(cell));
  return {
    message,
    date: cells[dateAt] ?? '',
    host: hosts[0],
    isOfKernel: isOfKernel ? true : others.length > 1 ? false : undefined,
  };
}
