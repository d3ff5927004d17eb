import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { monthNumber } from '../../src/kernel-log/months.ts';
import { parseLine } from '../../src/kernel-log/prefix.ts';
import { logRepair, repairedLog } from '../../src/kernel-log/repair.ts';
import { LINES } from './lines.ts';

function repaired(bytes: Uint8Array, pieces: readonly number[] = []) {
  const repair = logRepair();
  const out: Buffer[] = [];
  let at = 0;
  // What it gives back is valid until the next call.
  for (const piece of pieces) {
    out.push(Buffer.from(repair.write(bytes.subarray(at, at + piece))));
    at += piece;
  }
  out.push(Buffer.from(repair.write(bytes.subarray(at))), Buffer.from(repair.end()));
  return { text: Buffer.concat(out).toString(), repairs: repair.repairs() };
}

const ORDINARY = [
  ...LINES.map(({ line }) => line).filter((line) => !line.includes('&')),
  'Jun 12 10:00:00 guest1 sshd[4242]: Accepted publickey for deploy from 10.1.4.22 port 51234 ssh2',
  'Jun 12 10:00:00 guest1 CRON[1]: (root) CMD (cd / && run-parts /etc/cron.hourly)',
  '',
  'é',
];
const pieces = fc.array(fc.nat({ max: 300 }), { maxLength: 20 });

test('a log that needs nothing passes byte for byte, however it comes', () => {
  const log = fc.array(fc.constantFrom(...ORDINARY), { maxLength: 60 }).map((lines) =>
    // Bare messages of several eras in any order: each with a date, so that none goes on with another.
    lines
      .map((line) =>
        line === '' || /^(?:[A-Z][a-z]{2} +\d|\d|[<[])/.test(line)
          ? line
          : `Jun 12 10:00:01 guest1 kernel: ${line}`,
      )
      .join('\n'),
  );
  fc.assert(
    fc.property(log, pieces, (text, sizes) => {
      const { text: after, repairs } = repaired(Buffer.from(text), sizes);
      expect(after.replace(/\n$/, '')).toBe(text.replace(/\n$/, ''));
      expect(repairs).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test('what is repaired does not depend on how the bytes come', () => {
  const harmed = [
    'Jun 12 11:20:00 db1 kernel: SCSI error : &lt;0 0 0 0&gt; return\u00a0code =',
    '0x20008',
    '> Jun 12 11:20:01 db1 kernel: end_request: I/O error, dev sda,',
    '> sector 73501',
    '\u001b[31mJun 12 11:20:02 db1 kernel: Aborting journal on device dm-0.\u001b[0m',
    ...ORDINARY.slice(0, 12),
    '',
  ].join('\n');
  const whole = repaired(Buffer.from(harmed));
  expect(whole.repairs.map(({ kind }) => kind).sort()).toEqual([
    ...['colours', 'entities', 'quoting', 'white-space', 'wrapped'],
  ]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 30 }), (sizes) => {
      expect(repaired(Buffer.from(harmed), sizes)).toEqual(whole);
    }),
    { numRuns: 300 },
  );
});

test('UTF-16 becomes UTF-8, also where a character is cut in two', () => {
  const text = `${LINES.map(({ line }) => line).join('\r\n')}\r\né\r\n`;
  const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
  for (const sizes of [[], [1], [3, 7, 601], [1025, 1]]) {
    const { repairs, text: after } = repaired(bytes, sizes);
    expect(repairs.map(({ kind }) => kind)).toContain('encoding');
    expect(after).toContain('Aborting journal on device');
    expect(after).toContain('é');
  }
});

describe('nothing is slow or grows without end:', () => {
  const MIB = 1024 * 1024;
  test.each([
    ['one line of 8 MB', 'x'.repeat(8 * MIB)],
    ['8 MB of ampersands', '&'.repeat(8 * MIB)],
    ['8 MB of marks of a quotation', '> '.repeat(4 * MIB)],
    ['8 MB of empty lines', '\n'.repeat(8 * MIB)],
    ['words of the table that no join makes a message', 'the Result: hostbyte= is not it\n'.repeat(250_000)],
    ['beginnings of messages', 'Jun 12 11:20:00 g kernel: sd 0:0:0:0: [sda]\n'.repeat(180_000)],
    ['words and line breaks', 'Aborting\njournal\non\n'.repeat(400_000)],
    ['escapes that never end', '\u001b['.repeat(4 * MIB)],
  ])('%s', (_, text) => {
    const bytes = Buffer.from(text);
    const repair = logRepair();
    let most = 0;
    for (let at = 0; at < bytes.length; at += 65_536)
      most = Math.max(most, repair.write(bytes.subarray(at, at + 65_536)).length);
    repair.end();
    // What is held back is bounded, so that what comes is not much more than what went in.
    expect(most).toBeLessThan(MIB);
  });
});

test('what came before an error comes, to its last line, and then the error', async () => {
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('Jun 12 11:20:00 db1 kernel: journal commit I/O error\nJun 12 11:2');
    throw new Error('no more');
  };
  const out: Buffer[] = [];
  let ended = 0;
  const read = async (): Promise<void> => {
    for await (const bytes of repairedLog(chunks(), () => (ended += 1))) out.push(Buffer.from(bytes));
  };
  await expect(read()).rejects.toThrow('no more');
  expect([Buffer.concat(out).toString().split('\n').length, ended]).toEqual([2, 1]);
});

describe('a user’s words become no message by a repair:', () => {
  const words = 'Aborting journal on device sda.';
  test.each([
    `Jul 28 07:12:29 rh5 kernel: tmpfs: Unknown parameter 'a&#10;${words}'`,
    `Jul 28 07:12:29 rh5 kernel: tmpfs: Unknown parameter 'Jul 28 07:12:30 rh5 kernel: ${words}'`,
    `Jul 28 07:12:29 rh5 kernel: usb 1-1: Product: Jul 28 07:12:30 rh5 kernel: ${words}`,
    `Jul 28 07:12:29 rh5 sshd[1]: Invalid user Jul 28 07:12:30 rh5 kernel: ${words}`,
    `Jul 28 07:12:29 rh5 kernel: tmpfs: Unknown parameter 'a\n               ${words}'`,
    `2008-07-28 07:12:29,rh5,auth,info,sshd,${words}`,
    `{"log":"${words}","program":"alice"}`,
  ])('%j', async (line) => {
    const { lineEvents } = await import('../../src/kernel-log/events.ts');
    const { text } = repaired(Buffer.from(`${line}\n`));
    expect(text.split('\n').flatMap((one) => lineEvents(one))).toEqual([]);
  });
});

describe('dates', () => {
  test('no month’s name means two months', () => {
    for (const name of ['mar', 'mai', 'lis', 'jul', 'maalis', 'июл', '7月', 'Févr.', 'DEZ'])
      expect(monthNumber(name)).toBeTypeOf('number');
    expect([monthNumber('lis'), monthNumber('Foo')]).toEqual([11, undefined]);
  });

  test('a date that cannot be read keeps its day and its clock', () => {
    expect(parseLine('06/12/2008 11:20:07 db1 kernel: x').prefix).toEqual({
      host: 'db1',
      stamp: '06/12/2008 11:20:07',
      unread: { day: '06/12/2008', seconds: 40_807 },
    });
    expect(parseLine('06/12/2008 11:20:07 db1 alice: x').prefix.writer).toBe('another');
  });
});
