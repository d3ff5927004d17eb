import { defined } from '../optional.ts';
import { DATE_FORMS, unreadDate } from './dates.ts';
import type { LinePrefix } from './line.ts';
import { type Groups, type LogTime, localTime, zonedTime } from './time.ts';

/** One form in which a line may begin; what follows it is tried with the later forms. */
interface PrefixForm {
  readonly pattern: RegExp;
  /** Evaluates the match; absent where it says nothing that matters. */
  readonly read?: (groups: Groups) => LinePrefix;
  /** The text after it is escaped as in /dev/kmsg, and is the message: no further form may follow. */
  readonly escaped?: true;
  /** `syslog`: a program's tag must follow. `tag`: it is that tag, or what stands for it. */
  readonly role?: 'syslog' | 'tag';
  /** One of all the forms of dates: only where the line has no time yet. */
  readonly isDate?: true;
}

function sticky(strings: TemplateStringsArray, ...parts: readonly string[]): RegExp {
  return new RegExp(String.raw(strings, ...parts), 'y');
}

const ISO = String.raw`(?<stamp>(?<date>\d{4}-\d{2}-\d{2})[T ](?<clock>\d{2}:\d{2}:\d{2})(?:[.,](?<fraction>\d{1,9}))?(?<zone>Z|[+-]\d{2}:?\d{2}| (?:[+-]\d{4}|UTC|GMT)(?= ))?)`;
const BSD = String.raw`(?<stamp>(?<month>[A-Z][a-z]{2}) {1,2}(?<day>\d{1,2}) (?:(?<year>\d{4}) )?(?<clock>\d{2}:\d{2}:\d{2})(?:\.(?<fraction>\d{1,9}))?)`;
/** A program's tag, `kernel:`, is no host, and neither is busybox syslogd's `kern.err`. */
const HOST = String.raw`(?<host>(?![\w./-]{1,64}(?:\[\d{1,10}\])?: |(?:kern|user|daemon)\.)[\w.:@%-]{1,255})`;

/** What stands behind a host: a program's tag, a severity, busybox's facility, or printk's time. */
const AFTER_HOST = String.raw`[\w.\/\-]{1,64}(?:\[\d{1,10}\])?: |\[ ?|(?:kern|user|daemon)\.|(?:EMERG|ALERT|CRIT|ERR|ERROR|WARN|WARNING|NOTICE|INFO|DEBUG) `;
const LEVEL = '(?:(?:EMERG|ALERT|CRIT|ERR|ERROR|WARN|WARNING|NOTICE|INFO|DEBUG) )?';

/** syslog(2): the facility is the priority without its last three bits, and the kernel's is 0. */
const isOfKernel = (priority: string | undefined): boolean => Number(priority ?? 0) >> 3 === 0;
export const ifAnother = (isAnother: boolean): LinePrefix => (isAnother ? { writer: 'another' } : {});

/** Tried in this order, each once, where the last one ended. */
export const PREFIX_FORMS: readonly PrefixForm[] = [
  // A quotation in a mail, `grep -n` and `grep -H`.
  { pattern: /(?:> ?){1,8}(?=\S)/y },
  { pattern: /(?:[\w./-]{1,200}:)?\d{1,9}:(?=[^\d ]|\d{4}-\d{2}-)/y },
  // RFC 3164 and printk: the priority.
  {
    pattern: /<(?<priority>\d{1,3})>(?:1 )?/y,
    read: ({ priority }) => ifAnother(!isOfKernel(priority)),
  },
  // Documentation/ABI/testing/dev-kmsg; netconsole's extended form is the same.
  {
    pattern: /(?<priority>\d{1,5}),\d{1,20},(?<micros>\d{1,20}),[^;\n]{0,256};/y,
    read: ({ priority, micros }) => ({
      kernelSeconds: Number(micros) / 1e6,
      writer: isOfKernel(priority) ? 'kernel' : 'another',
    }),
    escaped: true,
  },
  // dmesg --decode.
  {
    pattern: /(?<facility>[a-z]{3,8}) {0,4}:[a-z]{3,6} {0,4}: /y,
    read: ({ facility }) => ifAnother(facility !== 'kern'),
  },
  // journalctl -o short-full.
  {
    pattern: sticky`[A-Z][a-z]{2} ${ISO}(?: (?<zoneName>[A-Z]{2,5}))? ${HOST} `,
    read: dated(zonedTime),
    role: 'syslog',
  },
  // rsyslog's and syslog-ng's ISO form, RFC 5424, journalctl -o short-iso, dmesg --time-format iso (which has no host).
  {
    pattern: sticky`${ISO} (?:${HOST} (?=[\w./-]{1,64}(?:\[\d{1,10}\])?: |\[ ?|[\w./-]{1,64} (?:\d{1,10}|-) [\w.-]{1,32} (?:-|\[)))?`,
    read: dated(zonedTime),
    role: 'syslog',
  },
  // journalctl -o short-unix.
  {
    pattern: sticky`(?<stamp>(?<unix>\d{9,11}\.\d{6})) ${HOST} `,
    read: dated(({ unix }) => ({ kind: 'absolute', ms: Number(unix) * 1000 })),
    role: 'syslog',
  },
  // RFC 3164, journalctl -o short and short-precise; some syslogs write the year, some the severity.
  {
    pattern: sticky`${BSD} (?:${HOST} )?(?:(?:EMERG|ALERT|CRIT|ERR|ERROR|WARN|WARNING|NOTICE|INFO|DEBUG) )?`,
    read: dated(localTime),
    role: 'syslog',
  },
  // dmesg -d beside -T or --color.
  { pattern: /\[ {0,8}\+\d{1,9}\.\d{1,6}\] (?=\[)/y },
  // dmesg -T.
  {
    pattern:
      /\[(?<stamp>[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) {1,2}(?<day>\d{1,2}) (?<clock>\d{2}:\d{2}:\d{2}) (?<year>\d{4}))(?: < {0,9}\d{1,9}\.\d{6}>)?\] /y,
    read: dated(localTime),
  },
  // All other dates, in brackets or not: `dates.ts`. What follows is as with syslog.
  ...DATE_FORMS.map(
    ({ pattern, read }): PrefixForm => ({
      pattern: new RegExp(
        String.raw`\[(?<stamp>${pattern})(?: < {0,9}\d{1,9}\.\d{6}>)?\](?:: | {1,2}|$)`,
        'uy',
      ),
      read: dated(read),
      isDate: true,
    }),
  ),
  ...DATE_FORMS.map(
    ({ pattern, read }): PrefixForm => ({
      pattern: new RegExp(
        `(?<stamp>${pattern})(?: {1,2}|: )(?:${HOST} {1,2}(?=${AFTER_HOST}))?${LEVEL}`,
        'uy',
      ),
      read: dated(read),
      role: 'syslog',
      isDate: true,
    }),
  ),
  // journalctl -o short-monotonic and short-delta.
  {
    pattern: sticky`\[ {0,8}(?<seconds>\d{1,12}\.\d{6})(?: < {0,9}\d{1,9}\.\d{6} ?>)?\] ${HOST} (?=(?:kernel|multipathd)(?:\[\d{1,10}\])?: )`,
    read: ({ seconds, host }) => defined({ kernelSeconds: Number(seconds), host }),
    role: 'syslog',
  },
  // RFC 5424: APP-NAME PROCID MSGID STRUCTURED-DATA.
  {
    pattern:
      /(?<program>[\w./-]{1,48}) (?:\d{1,10}|-) (?:[\w.-]{1,32}) (?:-|\[[^\]\n]{1,512}\]) (?:\uFEFF)?/y,
    read: ({ program }) => writtenBy(program),
    role: 'tag',
  },
  // busybox syslogd: the facility.
  {
    pattern: /(?<facility>kern|user|daemon)\.[a-z]{3,7} /y,
    read: ({ facility }) => ifAnother(facility !== 'kern'),
  },
  // The program's tag.
  {
    pattern: /(?<program>kernel|klogd|multipathd|multipath|vmkernel|vmkwarning)(?:\[\d{1,10}\])?: {1,2}/y,
    read: ({ program }) => writtenBy(program),
    role: 'tag',
  },
  // vmkernel: ESX 4 writes how long it runs; then the processor and the world.
  {
    pattern:
      /(?:(?:[A-Z][a-z]\(\d{1,3}\) )?vmkernel: )?(?:\d{1,4}:\d{2}:\d{2}:\d{2}\.\d{3} )?cpu\d{1,4}:\d{1,9}(?: opID=[\w-]{1,64})?\)/y,
    read: () => ({ writer: 'vmkernel' }),
    role: 'tag',
  },
  // rsyslog 5 and later: "message repeated 5 times: [ … ]".
  {
    pattern: /message repeated (?<count>\d{1,9}) times: \[ ?/y,
    read: ({ count }) => ({ repeated: Number(count) }),
  },
  // printk's time.
  {
    pattern: /\[ {0,8}(?<seconds>\d{1,12}\.\d{6})\] ?/y,
    read: ({ seconds }) => ({ kernelSeconds: Number(seconds) }),
    role: 'tag',
  },
  // CONFIG_PRINTK_CALLER.
  { pattern: /\[ {0,8}[TC]\d{1,10}\] /y },
  // dmesg --reltime.
  { pattern: /\[(?:[A-Z][a-z]{2}\d{1,2} \d{2}:\d{2}| {0,8}\+\d{1,9}\.\d{6})\] /y },
];

/** `-` is RFC 5424's word for none. */
function writtenBy(program: string | undefined): LinePrefix {
  if (program?.startsWith('multipath') === true) return { writer: 'multipathd' };
  if (program?.startsWith('vmk') === true) return { writer: 'vmkernel' };
  return ifAnother(program !== 'kernel' && program !== 'klogd' && program !== '-');
}

/** Reads a form that has a time and perhaps a host. */
export function dated(timeOf: (groups: Groups) => LogTime | undefined): (groups: Groups) => LinePrefix {
  return (groups) => {
    const time = timeOf(groups);
    const stamp = [groups.stamp, groups.zoneName].filter((part) => part !== undefined).join(' ');
    const unread = time === undefined ? unreadDate(stamp) : undefined;
    return defined({ time, stamp, unread, host: groups.host });
  };
}
