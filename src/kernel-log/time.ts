/** When a line says that it was written. */
export type LogTime = { readonly kind: 'absolute' /** Since the epoch. */; readonly ms: number } | LocalTime;

/** A time of the guest's own clock: syslog writes neither zone nor, mostly, the year. */
export interface LocalTime {
  readonly kind: 'local';
  readonly year?: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly ms: number;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

type Groups = Readonly<Record<string, string | undefined>>;

/** From groups month, day, clock, and year and fraction where they are; undefined where that is no date. */
export function localTime(groups: Groups): LocalTime | undefined {
  return checked(groups.year, MONTHS.indexOf(groups.month ?? '') + 1, Number(groups.day), groups);
}

/** From groups date, clock, and fraction and zone where they are; without a zone it is local. */
export function zonedTime(groups: Groups): LogTime | undefined {
  const [year, month, day] = (groups.date ?? '').split('-');
  const local = checked(year, Number(month), Number(day), groups);
  if (local === undefined || groups.zone === undefined) return local;
  return { kind: 'absolute', ms: utc(local, local.year ?? 0) - offsetMs(groups.zone) };
}

/** The time as if the clock were set to UTC. */
export function utc(time: LocalTime, year: number): number {
  return Date.UTC(year, time.month - 1, time.day, time.hour, time.minute, time.second, time.ms);
}

function checked(
  year: string | undefined,
  month: number,
  day: number,
  { clock, fraction }: Groups,
): LocalTime | undefined {
  const hour = Number(clock?.slice(0, 2));
  const minute = Number(clock?.slice(3, 5));
  const second = Number(clock?.slice(6, 8));
  // 60 is a leap second.
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60 && second <= 60)) {
    return undefined;
  }
  return {
    kind: 'local',
    ...(year === undefined ? {} : { year: Number(year) }),
    month,
    day,
    hour,
    minute,
    second,
    ms: fraction === undefined ? 0 : Math.floor(Number(`0.${fraction}`) * 1000),
  };
}

function offsetMs(zone: string): number {
  if (zone === 'Z') return 0;
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
