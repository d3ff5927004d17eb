import { monthNumber } from './months.ts';
import { type Groups, type LogTime, timeOfParts, zonedTime } from './time.ts';

/** One form in which a log writes its dates. */
interface DateForm {
  /** Where it comes from, and how it looks. */
  readonly name: string;
  /** Source of a regular expression with the flag `u`; its groups are what `read` takes. */
  readonly pattern: string;
  /** Undefined where what fits the pattern is no date, or not one that can be read in one way only. */
  readonly read: (groups: Groups) => LogTime | undefined;
}

const CLOCK = String.raw`(?<clock>\d{1,2}:\d{2}:\d{2})(?:[.,](?<fraction>\d{1,9}))?(?: ?(?<half>[AaPp])\.?[Mm]\.?)?`;
const ZONE = String.raw`(?: ?(?<zone>Z|UTC|GMT|[+\-]\d{2}:?\d{2})(?![\w])| [A-Z]{3,5}(?= ))?`;
/** A month's name in any language, as `months.ts` knows it. */
const NAME = String.raw`(?<name>[\p{L}\p{M}]{3,12}|\d{1,2}[月월])\.?`;
const WEEKDAY = String.raw`(?:[\p{L}\p{M}]{1,12}\.?,? {1,2})?`;
const YEAR = String.raw`(?<year>\d{4})`;
const DAY = String.raw`(?<day>\d{1,2})`;
const NUMBER = String.raw`(?<number>\d{1,2})`;

/**
 * The forms beside those of syslog and printk in `prefix.ts`; the first that fits counts. Which of two numbers is the
 * month, nobody can tell in `07/08/2008`: that is no date that can be read.
 */
export const DATE_FORMS: readonly DateForm[] = [
  {
    name: 'ISO 8601 with a space before its zone: 2008-07-30 00:53:23 +0200',
    pattern: String.raw`(?<date>\d{4}-\d{2}-\d{2})[T ]${CLOCK}${ZONE}`,
    read: zonedTime,
  },
  {
    name: 'ctime and its kin in any language: Wed Jul 30 00:53:23 2008, wo jul 28 05:19:43 2021, juil. 28 05:19:43',
    pattern: String.raw`${WEEKDAY}${NAME} {1,2}${DAY},?(?: ${YEAR},?)? ${CLOCK}${ZONE}(?: (?<yearAfter>\d{4})(?![\w.:\/\-]))?`,
    read: named,
  },
  {
    name: 'the day first: 28 Jul 2008 05:19:43, 28/Jul/2008:05:19:43 +0200, 28. Juli 2008 05:19:43',
    pattern: String.raw`${WEEKDAY}${DAY}(?:\. ?| |\/|-)${NAME}(?:[ \/\-]${YEAR})?,?(?: |:|T)${CLOCK}${ZONE}(?: (?<yearAfter>\d{4})(?![\w.:\/\-]))?`,
    read: named,
  },
  {
    name: 'the year first: 2025 Jun 18 07:17:40.046393 (network devices), 2025-Jun-18 07:17:40',
    pattern: String.raw`${YEAR}[ \/\-]${NAME}[ \/\-]{1,2}${DAY},?[ T]${CLOCK}${ZONE}`,
    read: named,
  },
  {
    name: 'numbers, the year first: 2008/07/30 00:53:23, 2008.07.30 00:53:23',
    pattern: String.raw`${YEAR}[\/.]${NUMBER}[\/.]${DAY},?[ T]${CLOCK}${ZONE}`,
    read: numbered,
  },
  {
    name: 'without separators: 20080730 00:53:23',
    pattern: String.raw`(?<year>(?:19|20)\d{2})(?<number>\d{2})(?<day>\d{2})[ T\-]${CLOCK}${ZONE}`,
    read: numbered,
  },
  {
    name: 'Chinese and Japanese: 2008年07月30日 00:53:23',
    pattern: String.raw`${YEAR}年 ?${NUMBER}月 ?${DAY}日(?:[ (\p{L})]{0,8}?) ?${CLOCK}${ZONE}`,
    read: numbered,
  },
  {
    name: 'numbers with dots, the day first: 30.07.2008 00:53:23',
    pattern: String.raw`${DAY}\.${NUMBER}\.(?<year>\d{4}|\d{2}),? ${CLOCK}${ZONE}`,
    read: numbered,
  },
  {
    name: 'two numbers, of which one is the month: 30/07/2008 00:53:23, 7/30/2008 12:53:23 AM',
    pattern: String.raw`(?<one>\d{1,2})[\/\-](?<other>\d{1,2})[\/\-](?<year>\d{4}|\d{2}),? ${CLOCK}${ZONE}`,
    read: eitherWay,
  },
  {
    name: 'dmesg --human: [Jul28 07:12], to the minute',
    pattern: String.raw`(?<name>[\p{L}\p{M}]{3,12})\.? ?${DAY} (?<clock>\d{2}:\d{2})(?=\])`,
    read: named,
  },
];

function named(groups: Groups): LogTime | undefined {
  const month = monthNumber(groups.name ?? '');
  return month === undefined
    ? undefined
    : timeOfParts({ year: groups.year ?? groups.yearAfter, month, day: groups.day }, groups);
}

function numbered(groups: Groups): LogTime | undefined {
  return timeOfParts({ year: groups.year, month: Number(groups.number), day: groups.day }, groups);
}

/** Only in the USA is a clock of twelve hours usual where the month stands first. */
function eitherWay(groups: Groups): LogTime | undefined {
  const { one, other, year, half } = groups;
  const monthFirst = half !== undefined || Number(other) > 12;
  if (!monthFirst && Number(one) <= 12 && one !== other) return undefined;
  const [month, day] = monthFirst ? [one, other] : [other, one];
  return timeOfParts({ year, month: Number(month), day }, groups);
}

/** A date that cannot be read: that two lines have the same one, or not, still shows whether they belong together. */
export interface UnreadDate {
  /** What stands beside the clock. */
  readonly day: string;
  /** Seconds since midnight. */
  readonly seconds: number;
}

/** The day and the clock of a date's text; undefined where it has no clock. */
export function unreadDate(stamp: string): UnreadDate | undefined {
  const match = /(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d{1,9})?/.exec(stamp);
  if (match === null) return undefined;
  const [clock, hours, minutes, seconds = '0'] = match;
  const day = stamp.replace(clock, ' ').replace(/\s+/g, ' ').trim();
  return { day, seconds: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) };
}
