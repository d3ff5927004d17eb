import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answerReader } from '../../../src/machine/ssh/frames.ts';

const MARK = '@00112233445566778899aabbccddeeff:7:';
/** Parts of a mark, and marks of other answers, are content as anything else. */
const piece = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom('@', MARK.slice(0, -2), '@00112233445566778899aabbccddeeff:17:e 0\n', '\n', 'b\n')
    .map((text) => Buffer.from(text)),
);

test('an answer is what stands between its marks, wherever a piece ends', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 20 }),
      fc.string({ maxLength: 30 }),
      fc.nat({ max: 255 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 60 })),
      (parts, greeting, status, sizes) => {
        const content = Buffer.concat(parts);
        const sent = Buffer.concat([
          Buffer.from(`${greeting}\n${MARK}b\n`),
          content,
          Buffer.from(`${MARK}e ${status}\nnext`),
        ]);
        const reader = answerReader(MARK, 10_000);
        reader.take('stderr', Buffer.from(`${MARK}b\nwords\n${MARK}e 0\n`));
        let rest = Buffer.alloc(0);
        for (let at = 0; at < sent.length; ) {
          const size = sizes.next().value as number;
          const part = sent.subarray(at, at + size);
          at += size;
          if (reader.has('stdout')) rest = Buffer.concat([rest, part]);
          else rest = Buffer.from(reader.take('stdout', part) ?? []);
        }
        expect(reader.answer()).toEqual({ status, stdout: content, stderr: 'words\n', tooMuch: false });
        expect(rest.toString()).toBe('next');
      },
    ),
    { numRuns: 500 },
  );
});

test('what is cut off anywhere is no answer', () => {
  const sent = Buffer.from(`${MARK}b\nall of it\n${MARK}e 0\n`);
  for (let length = 0; length < sent.length; length += 1) {
    const reader = answerReader(MARK, 1000);
    reader.take('stderr', sent);
    reader.take('stdout', sent.subarray(0, length));
    expect([length, reader.answer()]).toEqual([length, undefined]);
  }
});

test('more than was asked for is told before its end', () => {
  const reader = answerReader(MARK, 1000);
  reader.take('stdout', Buffer.from(`${MARK}b\n`));
  for (let round = 0; round < 5; round += 1) reader.take('stdout', Buffer.alloc(300));
  expect(reader.isTooMuch()).toBe(true);
});
