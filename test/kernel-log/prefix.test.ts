import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lineParser, parseLine } from '../../src/kernel-log/prefix.ts';
import { LINES } from './lines.ts';

const TEXT = 'Aborting journal on device dm-0.';
const july = { kind: 'local', month: 7, day: 28, hour: 7, minute: 12, second: 29, ms: 0 };

describe('the prefix of every log is taken off:', () => {
  test.each([
    ['plain', TEXT, {}],
    ['RFC 3164', `Jul 28 07:12:29 rh5 kernel: ${TEXT}`, { time: july, host: 'rh5' }],
    [
      'RFC 3164, one digit',
      `Jul  8 07:12:29 rh5 kernel: ${TEXT}`,
      { time: { ...july, day: 8 }, host: 'rh5' },
    ],
    [
      'with a year',
      `Jul 28 2009 07:12:29 rh5 kernel: ${TEXT}`,
      { time: { ...july, year: 2009 }, host: 'rh5' },
    ],
    [
      'with a microsecond',
      `Jul 28 07:12:29.250000 rh5 kernel: ${TEXT}`,
      { time: { ...july, ms: 250 }, host: 'rh5' },
    ],
    [
      'printk time',
      `Jul 28 07:12:29 u10 kernel: [  123.456789] ${TEXT}`,
      { time: july, host: 'u10', kernelSeconds: 123.456789 },
    ],
    ['printk caller', `[ 2918.125710][  T275] ${TEXT}`, { kernelSeconds: 2918.12571 }],
    [
      'without kernel:',
      `Jul 28 07:12:29 net-7 [  123.456789] ${TEXT}`,
      { time: july, host: 'net-7', kernelSeconds: 123.456789 },
    ],
    ['a host by address', `Jul 28 07:12:29 10.0.0.7 kernel: ${TEXT}`, { time: july, host: '10.0.0.7' }],
    ['no host', `Jul 28 07:12:29 kernel: ${TEXT}`, { time: july }],
    ['busybox', `Jul 28 07:12:29 box kern.err kernel: ${TEXT}`, { time: july, host: 'box' }],
    ['busybox, small', `Jul 28 07:12:29 kern.err kernel: ${TEXT}`, { time: july }],
    ['priority', `<3>Jul 28 07:12:29 rh5 kernel: ${TEXT}`, { time: july, host: 'rh5' }],
    ['netconsole', `<3>[  123.456789] ${TEXT}`, { kernelSeconds: 123.456789 }],
    ['dmesg', `[    1.277856] ${TEXT}`, { kernelSeconds: 1.277856 }],
    ['dmesg -T', `[Tue Jul 28 07:12:29 2026] ${TEXT}`, { time: { ...july, year: 2026 } }],
    ['dmesg -x', `kern  :err   : [  123.456789] ${TEXT}`, { kernelSeconds: 123.456789 }],
    ['dmesg --reltime', `[  +0.000012] ${TEXT}`, {}],
    [
      'rsyslog',
      `2023-07-28T07:12:29.044219+10:00 linux kernel: [ 1950.957989] ${TEXT}`,
      {
        time: { kind: 'absolute', ms: Date.UTC(2023, 6, 27, 21, 12, 29, 44) },
        host: 'linux',
        kernelSeconds: 1950.957989,
      },
    ],
    [
      'short-iso',
      `2023-07-28T07:12:29+0000 linux kernel: ${TEXT}`,
      { time: { kind: 'absolute', ms: Date.UTC(2023, 6, 28, 7, 12, 29) }, host: 'linux' },
    ],
    [
      'short-full',
      `Fri 2023-07-28 07:12:29 CEST linux kernel: ${TEXT}`,
      { time: { ...july, year: 2023 }, host: 'linux' },
    ],
    [
      'short-unix',
      `1690528349.500000 linux kernel: ${TEXT}`,
      { time: { kind: 'absolute', ms: 1690528349500 }, host: 'linux' },
    ],
    [
      'dmesg --time-format iso',
      `2023-07-28T07:12:29,250000+00:00 ${TEXT}`,
      { time: { kind: 'absolute', ms: Date.UTC(2023, 6, 28, 7, 12, 29, 250) } },
    ],
    [
      'RFC 5424',
      `<3>1 2023-07-28T07:12:29Z linux kernel - - - ${TEXT}`,
      { time: { kind: 'absolute', ms: Date.UTC(2023, 6, 28, 7, 12, 29) }, host: 'linux' },
    ],
    ['/dev/kmsg', `3,1234,5678901,-;${TEXT}`, { kernelSeconds: 5.678901, writer: 'kernel' }],
    [
      '/dev/kmsg with a caller',
      `3,1234,5678901,c,caller=T12;${TEXT}`,
      { kernelSeconds: 5.678901, writer: 'kernel' },
    ],
    [
      'repeated',
      `Jul 28 07:12:29 u20 kernel: message repeated 5 times: [ [  123.456789] ${TEXT}]`,
      { time: july, host: 'u20', repeated: 5, kernelSeconds: 123.456789 },
    ],
    ['a carriage return', `${TEXT}\r`, {}],
  ])('%s', (_, line, prefix) => {
    const parsed = parseLine(line);
    const { stamp, ...rest } = parsed.prefix;
    expect(rest).toEqual(prefix);
    // As the line has it, to the letter.
    if (rest.time !== undefined) expect(line).toContain(stamp?.replace(/ CEST$/, ''));
    expect(parsed.text.replace(/\]$/, '')).toBe(TEXT);
  });
});

describe('journald’s records:', () => {
  const prefix = { time: { kind: 'absolute', ms: 1690528349500 }, host: 'linux' };

  test('json', () => {
    const line = JSON.stringify({
      MESSAGE: TEXT,
      __REALTIME_TIMESTAMP: '1690528349500000',
      _HOSTNAME: 'linux',
    });
    expect(parseLine(line)).toEqual({ prefix, text: TEXT });
  });

  test('json, a message that is not UTF-8', () => {
    const line = JSON.stringify({ MESSAGE: [...Buffer.from(TEXT)] });
    expect(parseLine(line)).toEqual({ prefix: {}, text: TEXT });
  });

  test('export', () => {
    const record = `__CURSOR=s=1\n__REALTIME_TIMESTAMP=1690528349500000\n_HOSTNAME=linux\nMESSAGE=${TEXT}\nPRIORITY=3`;
    expect(parseLine(record)).toEqual({ prefix, text: TEXT });
    expect(parseLine(`MESSAGE=${TEXT}`)).toEqual({ prefix: {}, text: TEXT });
  });
});

test('what is escaped in /dev/kmsg is read', () => {
  expect(parseLine(String.raw`3,1,1,-;one\x0atwo\x5c`).text).toBe('one\ntwo\\');
});

test.each([
  'Jul 32 07:12:29 rh5 kernel: x',
  'Jul 28 25:12:29 rh5 kernel: x',
  'Foo 28 07:12:29 rh5 kernel: x',
  '2023-13-28T07:12:29+00:00 linux kernel: x',
])('no date is no time, and no error: %s', (line) => {
  expect(parseLine(line).prefix.time).toBe(undefined);
});

test('a message of dmesg whose words stand as a host, a program and its number would is the kernel’s', () => {
  const text = 'SCSI host 0 abort (pid 4711) timed out - resetting';
  const { prefix, text: read } = parseLine(`2023-07-28T07:12:29+00:00 ${text}`);
  expect([prefix.host, prefix.writer, read]).toEqual([undefined, undefined, text]);
});

test('line by line, with what is known of the line before, the answer is the same', () => {
  const starts = [
    '',
    'Jul 28 07:12:29 rh5 kernel: ',
    'Jul 28 07:12:29 rh5 ',
    'Jul 28 07:12:30 rh55 kernel: [  123.456789] ',
    '2023-07-28T07:12:29+00:00 linux kernel: ',
    '2023-07-28T07:12:29+00:00 ',
    '[  123.456789] ',
    '3,1,1,-;',
    '<3>',
    'kern  :err   : [  123.456789] ',
    'Jul 28 07:12:29 u20 kernel: message repeated 5 times: [ ',
  ];
  const line = fc
    .tuple(fc.constantFrom(...starts), fc.constantFrom(...LINES.map((one) => one.line), TEXT))
    .map(([start, text]) => `${start}${text}`);
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
      expect(lines.map(lineParser())).toEqual(lines.map((one) => parseLine(one)));
    }),
    { numRuns: 500 },
  );
});
