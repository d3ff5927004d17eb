import fc from 'fast-check';
import { expect, test } from 'vitest';
import { causeOf } from '../../src/kernel-log/cause.ts';
import { fileSystemEffects } from '../../src/kernel-log/effects.ts';
import { lineEvents, logEvents } from '../../src/kernel-log/events.ts';
import { parseLine } from '../../src/kernel-log/prefix.ts';
import { SIGNATURES } from '../../src/kernel-log/signatures.ts';
import { LINES } from './lines.ts';

/** What goes through a line again for each of its places takes minutes here, and the runner's limit ends it. */
const MEGABYTE = 1_000_000;

const pieces = [
  ...SIGNATURES.flatMap(({ needles }) => needles),
  ...LINES.map(({ line }) => line),
  ...LINES.map(({ line }) => line.slice(0, line.length / 2)),
];
const soup = fc
  .array(fc.oneof(fc.constantFrom(...pieces), fc.string(), fc.string({ unit: 'binary' })), { maxLength: 30 })
  .map((parts) => parts.join(''));

test('whatever a log holds, nothing throws, and what is found lies in order and is bounded', () => {
  fc.assert(
    fc.property(soup, (text) => {
      const events = logEvents(text);
      fileSystemEffects(events);
      for (const event of events) {
        causeOf(event);
        expect(event.text.length).toBeLessThan(2000);
        expect((event.detail ?? '').length).toBeLessThanOrEqual(240);
      }
    }),
    { numRuns: 300 },
  );
});

test('random bytes are no messages, and throw nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4096 }), (bytes) => {
      expect(logEvents(Buffer.from(bytes).toString('latin1'))).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test.each([
  '1:',
  '1',
  ' ',
  '[',
  'a',
  'EXT4-fs (',
  'XFS (a): ',
  '(device a',
  '0x',
  'sd 0:0:0:0: [a] tag#1 ',
  '<1>',
  '-',
  '\\x',
])('a megabyte of %j and then each signature’s words is not slow', (unit) => {
  const filler = unit.repeat(Math.ceil(MEGABYTE / unit.length));
  for (const needle of ['', ...new Set(SIGNATURES.flatMap(({ needles }) => needles))]) {
    const line = `${filler.slice(0, 9000)}${needle}${filler}`;
    const found = lineEvents(line).map(({ id }) => id);
    // What stands behind the part that is read is never found.
    expect(found).toEqual(lineEvents(line.slice(0, MEGABYTE / 10)).map(({ id }) => id));
  }
});

test('a line of one megabyte is cut: what stands in front is found, what stands behind is not', () => {
  const tail = 'x'.repeat(MEGABYTE);
  const events = lineEvents(`ext3_abort called. ${tail} journal commit I/O error`);
  expect(events.map(({ id }) => id)).toEqual(['ext3-abort-called']);
});

test.each([
  '{'.repeat(5000),
  '['.repeat(5000),
  `{"MESSAGE":${'['.repeat(5000)}`,
  '__CURSOR=\n'.repeat(2000),
  '<0>'.repeat(3000),
])('a prefix that never ends is no prefix', (line) => {
  parseLine(line);
  expect(lineEvents(line)).toEqual([]);
});
