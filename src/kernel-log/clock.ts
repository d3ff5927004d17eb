import { type LocalTime, type LogTime, utc } from './time.ts';

export interface ClockSettings {
  /** The guest's time zone by its name, such as `Europe/Berlin`; this machine's where it is left out. */
  readonly zone?: string;
  /** Nothing was written after this, in milliseconds since the epoch. */
  readonly until: number;
}

/** A clock that runs ahead, or a file copied by a machine whose clock is behind. */
const TOLERANCE_MS = 24 * 3600 * 1000;
/** Two leap years are at most eight apart. */
const MAX_YEARS_BACK = 8;

/**
 * A log's time in milliseconds since the epoch. A line without a year is of the latest in which it is not after the
 * file's last change; so also across New Year, as long as a file does not span more than a year.
 */
export function absoluteTime(time: LogTime, { zone, until }: ClockSettings): number {
  if (time.kind === 'absolute') return time.ms;
  if (time.year !== undefined) return inZone(time, time.year, zone);
  const last = new Date(until + TOLERANCE_MS).getUTCFullYear();
  for (let year = last; year > last - MAX_YEARS_BACK; year -= 1) {
    if (!isDate(time, year)) continue;
    const ms = inZone(time, year, zone);
    if (ms <= until + TOLERANCE_MS) return ms;
  }
  return inZone(time, last, zone);
}

/** February 29 is none in most years. */
function isDate({ month, day }: LocalTime, year: number): boolean {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
}

function inZone(time: LocalTime, year: number, zone: string | undefined): number {
  if (zone === undefined) {
    return new Date(year, time.month - 1, time.day, time.hour, time.minute, time.second, time.ms).getTime();
  }
  const asUtc = utc(time, year);
  // The offset there changes at most once a day: the second guess is right but for the hour of the change.
  const guess = asUtc - offsetAt(zone, asUtc);
  return asUtc - offsetAt(zone, guess);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** How far a zone's clock is ahead of UTC at a moment, in milliseconds. */
function offsetAt(zone: string, ms: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    formats.set(zone, format);
  }
  const name = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours = '0', minutes = '0'] = /GMT([+-])(\d{2}):(\d{2})/.exec(name) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

/** Whether Intl knows a zone by this name. */
export function isZone(zone: string): boolean {
  try {
    offsetAt(zone, 0);
    return true;
  } catch {
    return false;
  }
}
