import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diagnosed } from './in-process.ts';
import { DRIVER_BUG, WINDOW_USED_UP } from './sequences.ts';

/*
 * What happens to a log on its way through a web page, a mail, a terminal or grep, at random: the answer stays the same.
 */

/** Logs of several eras, by what the guest said. */
const LOGS: readonly (readonly string[])[] = [
  DRIVER_BUG,
  WINDOW_USED_UP,
  [
    'SCSI error : <0 0 0 0> return code = 0x20008',
    'end_request: I/O error, dev sda, sector 4928181',
    'Aborting journal on device dm-0.',
    'ext3_abort called.',
    'EXT3-fs error (device dm-0): ext3_journal_start_sb: Detected aborted journal',
    'Remounting filesystem read-only',
  ],
  [
    'sd 2:0:1:0: [sdb] Unhandled error code',
    'sd 2:0:1:0: [sdb] Result: hostbyte=DID_BUS_BUSY driverbyte=DRIVER_OK,SUGGEST_OK',
    'end_request: I/O error, dev sdb, sector 20480',
    'EXT4-fs (sdb1): Remounting filesystem read-only',
  ],
  [
    'sd 0:0:0:0: [sda] tag#12 FAILED Result: hostbyte=DID_TIME_OUT driverbyte=DRIVER_OK cmd_age=30s',
    'blk_update_request: I/O error, dev sda, sector 8136 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 0',
    'JBD2: I/O error when updating journal superblock for sda1-8.',
    'XFS (dm-3): Log I/O Error Detected. Shutting down filesystem',
  ],
];

/** How the lines of a log begin. */
const FORMS: readonly ((text: string, at: number) => string)[] = [
  (text) => text,
  (text, at) => `[  812.00${at}125] ${text}`,
  (text, at) => `Jun 12 11:20:0${at} guest1 kernel: ${text}`,
  (text, at) => `2008-06-12T11:20:0${at}.250000+02:00 guest1 kernel: [  812.00${at}125] ${text}`,
  (text, at) => `[do jun 12 11:20:0${at} 2008] ${text}`,
];

type Log = readonly string[];
type Harm = fc.Arbitrary<(log: Log) => Log>;

const seeds = fc.infiniteStream(fc.nat({ max: 0xffff }));
/** A harm whose places are chosen by random numbers. */
const atRandom = (harm: (log: Log, next: () => number) => Log): Harm =>
  seeds.map((stream) => (log) => harm(log, () => stream.next().value ?? 0));

const perLine = (harm: (line: string, next: () => number) => string): Harm =>
  atRandom((log, next) => log.map((line) => harm(line, next)));

const messageStart = (line: string): number =>
  /^(?:\[[^\]]*\] |\S+ [^:]*:\d\d:\d\d guest1 kernel: |\S+ guest1 kernel: \[[^\]]*\] )?/.exec(line)?.[0]
    .length ?? 0;

const SPACES = ['', ' ', '  ', '   ', '\t', '\u00a0', '\u2003'];
/** Of a message; between two numbers some white space stays. */
const whiteSpace = perLine((line, next) => {
  const start = messageStart(line);
  const message = line.slice(start).replace(/(?<=(.))\s(?=(.))/g, (_, before: string, after: string) => {
    const space = SPACES[next() % SPACES.length] ?? ' ';
    return space === '' && /\d/.test(before) && /\d/.test(after) ? ' ' : space;
  });
  return line.slice(0, start) + message;
});

const ESCAPE = '\u001b';
const COLOURS = [
  `${ESCAPE}[31m`,
  `${ESCAPE}[0m`,
  `${ESCAPE}[01;31m${ESCAPE}[K`,
  `${ESCAPE}[m${ESCAPE}[K`,
  '^[[1m',
];
const colours = perLine((line, next) =>
  [...line].map((one) => (next() % 9 === 0 ? `${COLOURS[next() % COLOURS.length]}${one}` : one)).join(''),
);

const entities = perLine((line, next) =>
  line.replace(/[<>&" ]/g, (one) => {
    const forms: Readonly<Record<string, readonly string[]>> = {
      '<': ['&lt;', '&#60;', '&#x3C;'],
      '>': ['&gt;', '&#62;', '&#x3e;'],
      ' ': [' ', ' ', ' ', '&nbsp;', '&#160;'],
    };
    return forms[one]?.[next() % (forms[one]?.length ?? 1)] ?? one;
  }),
);

/** As mail programs do: at a space, which is gone. */
const softWrap = fc.integer({ min: 60, max: 100 }).map(
  (width) =>
    (log: Log): Log =>
      log.flatMap((line) => {
        const lines: string[] = [];
        let rest = line;
        while (rest.length > width) {
          const at = rest.lastIndexOf(' ', width);
          if (at <= 0) break;
          lines.push(rest.slice(0, at));
          rest = rest.slice(at + 1);
        }
        return [...lines, rest];
      }),
);

/** As terminals do: anywhere. */
const hardWrap = fc.integer({ min: 60, max: 120 }).map(
  (width) =>
    (log: Log): Log =>
      log.flatMap((line) => line.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [line]),
);

const QUOTES = ['> ', '>', '>> ', '> > ', '| '];
const quotes = fc.constantFrom(...QUOTES).map((quote) => (log: Log) => log.map((line) => `${quote}${line}`));
const grep = fc
  .constantFrom('812:', 'messages:812:', '/var/log/messages.1:', '    12\t')
  .map((front) => (log: Log) => log.map((line) => `${front}${line}`));

const HARMS: Readonly<Record<string, Harm>> = {
  'white space': whiteSpace,
  colours,
  entities,
  'wraps at spaces': softWrap,
  'wraps anywhere': hardWrap,
  'marks of a quotation': quotes,
  'what grep and cat put in front': grep,
};

const logs = fc
  .tuple(fc.constantFrom(...LOGS), fc.constantFrom(...FORMS))
  .map(([messages, form]) => messages.map((text, at) => form(text, at)));

async function answer(log: Log, lineBreak = '\n') {
  const { verdict, incidents } = await diagnosed(log.map((line) => `${line}${lineBreak}`).join(''));
  return {
    verdict,
    certainty: incidents.map(({ verdict: { certainty } }) => certainty),
    disks: incidents.flatMap(({ disks }) => disks.map(({ name, address }) => `${name} ${address}`)),
    mapped: incidents.flatMap(({ deviceMapper }) => deviceMapper.map(({ device }) => device)),
    fileSystems: incidents.flatMap(({ fileSystems }) => fileSystems),
    counts: incidents.map(({ counts }) => counts),
    starts: incidents.map(({ start }) => start),
  };
}

async function staysTheSame(log: Log, harmed: Log, lineBreak = '\n'): Promise<void> {
  const [wanted, found] = [await answer(log), await answer(harmed, lineBreak)];
  if (!isDeepStrictEqual(wanted, found)) expect([harmed, found]).toEqual([harmed, wanted]);
}

describe('the answer stays the same after', () => {
  test.each(Object.entries(HARMS))('%s', async (_, harm) => {
    await fc.assert(
      fc.asyncProperty(logs, harm, async (log, harmed) => staysTheSame(log, harmed(log))),
      { numRuns: 150 },
    );
  });

  /** In the order in which it happens. */
  const WAYS: readonly (readonly [string, readonly Harm[]])[] = [
    ['a screen, a web page and a mail', [whiteSpace, colours, entities, quotes]],
    ['a terminal, grep and a web page', [hardWrap, colours, entities]],
    ['two mails', [softWrap, quotes, entities]],
  ];
  test.each(WAYS)('%s, one after the other', async (_, harms) => {
    const way = fc.tuple(fc.tuple(...harms), fc.constantFrom('\n', '\r\n'));
    await fc.assert(
      fc.asyncProperty(logs, way, async (log, [steps, lineBreak]) => {
        const harmed = steps.reduce((lines: Log, harm) => harm(lines), log);
        await staysTheSame(log, harmed, lineBreak);
      }),
      { numRuns: 150 },
    );
  });
});
