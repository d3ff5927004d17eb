import { parseDuration } from '../../duration.ts';

/** The forms of a moment; the first that fits counts. */
const FORMS: readonly {
  readonly pattern: RegExp;
  readonly read: (match: RegExpExecArray, now: number) => number;
}[] = [
  { pattern: /^now$/, read: (_, now) => now },
  { pattern: /^@(\d{1,12}(?:\.\d{1,9})?)$/, read: ([, seconds]) => Number(seconds) * 1000 },
  // 2h, -30m, 3d: that long ago.
  { pattern: /^-?(\d+ ?[a-z]+)$/, read: ([, ago = ''], now) => now - (parseDuration(ago) ?? Number.NaN) },
  {
    pattern: /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?(?:\.\d{1,9})?)(Z|[+-]\d{2}:?\d{2})?)?$/,
    // Without a zone it is this machine's time.
    read: ([, date, clock = '00:00', zone = '']) => Date.parse(`${date}T${clock}${zone}`),
  },
];

/**
 * A moment as `journalctl --since` takes it: a date, a date and time, `@` and seconds since the epoch, or how long
 * ago (`2h`, `-10m`). In milliseconds since the epoch; undefined where it is none.
 */
export function parseMoment(text: string, now: number): number | undefined {
  for (const { pattern, read } of FORMS) {
    const match = pattern.exec(text.trim());
    if (match === null) continue;
    const ms = read(match, now);
    return Number.isFinite(ms) ? ms : undefined;
  }
  return undefined;
}
