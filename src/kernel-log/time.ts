/** When a line was written, as it says itself. */
export type LogTime = { readonly kind: 'absolute' /** Since the epoch. */; readonly ms: number } | LocalTime;

/** A time of the guest's own clock: syslog writes no zone and usually no year. */
export interface LocalTime {
  readonly kind: 'local';
  readonly year?: number | undefined;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly ms: number;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The named groups of a match. */
export type Groups = Readonly<Record<string, string | undefined>>;

/** From the groups month, day and clock, with year and fraction if there are any; undefined where that is no date. */
export function localTime(groups: Groups): LocalTime | undefined {
  return checked(groups.year, MONTHS.indexOf(groups.month ?? '') + 1, Number(groups.day), groups);
}

/** From the groups date and clock, with fraction and zone if there are any; local without a zone. */
export function zonedTime(groups: Groups): LogTime | undefined {
  const [year, month, day] = (groups.date ?? '').split('-');
  return timeOfParts({ year, month: Number(month), day }, groups);
}

/** A date as a log has it: a year may lack, or have two digits. */
interface DateParts {
  readonly year: string | undefined;
  /** 1 to 12. */
  readonly month: number;
  readonly day: string | undefined;
}

/** From a date, and the groups clock, with fraction, zone and `half` (of the day: `A` or `P`) if there are any. */
export function timeOfParts({ year, month, day }: DateParts, groups: Groups): LogTime | undefined {
  const local = checked(year?.length === 2 ? `20${year}` : year, month, Number(day), groups);
  if (local === undefined || local.year === undefined || groups.zone === undefined) return local;
  return { kind: 'absolute', ms: utc(local, local.year) - offsetMs(groups.zone) };
}

/** The time as if the clock were set to UTC. */
function utc(time: LocalTime, year: number): number {
  return Date.UTC(year, time.month - 1, time.day, time.hour, time.minute, time.second, time.ms);
}

function checked(
  year: string | undefined,
  month: number,
  day: number,
  { clock = '', fraction, half }: Groups,
): LocalTime | undefined {
  const [hours = Number.NaN, minute = Number.NaN, second = 0] = clock.split(':').map(Number);
  const hour = half === undefined ? hours : (hours % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
  // 60 is a leap second.
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60 && second <= 60)) {
    return undefined;
  }
  return {
    kind: 'local',
    year: year === undefined ? undefined : Number(year),
    month,
    day,
    hour,
    minute,
    second,
    ms: fraction === undefined ? 0 : Math.floor(Number(`0.${fraction}`) * 1000),
  };
}

/** Of `+02:00`, `-0500` or `GMT+02:00`; 0 for `Z`, `UTC` and `GMT`. */
function offsetMs(zone: string): number {
  const [, sign, hours = '0', minutes = '0'] = /([+-])(\d{2}):?(\d{2})/.exec(zone) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

export interface ClockSettings {
  /** The guest's time zone by its name, such as `Europe/Berlin`; this machine's where it is left out. */
  readonly zone?: string | undefined;
  /** Nothing was written after this, in milliseconds since the epoch. */
  readonly until: number;
}

/** The clock may run ahead, or the file was copied by a machine whose clock is behind. */
const TOLERANCE_MS = 24 * 3600 * 1000;
/** Two leap years are at most eight apart. */
const MAX_YEARS_BACK = 8;

/**
 * A log's time in milliseconds since the epoch. A line without a year is from the latest year that does not put it after
 * the file's last change; this also works across New Year, if a file spans no more than a year.
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

/** February 29 does not exist in most years. */
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
  return offsetMs(format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '');
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
