import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scanDriverSource } from '../../../src/driver/source/scan.ts';
import {
  BRANCH,
  ERA_24,
  ERA_269,
  ERA_2614,
  ERA_2618,
  ERA_2622,
  ERA_RHEL4_U5,
  eraFile,
  FIXED,
} from './eras.ts';
import { disguise, noise } from './noise.ts';

const ERAS = [ERA_24, ERA_269, ERA_2614, ERA_2618, ERA_2622, ERA_RHEL4_U5];

test('whatever a file looks like, the verdict stays', () => {
  fc.assert(
    fc.property(fc.constantFrom(...ERAS), noise, (era, how) => {
      const plain = scanDriverSource(era, 'mptscsih.c');
      expect(scanDriverSource(disguise(era, how), 'mptscsih.c')).toMatchObject({
        shape: plain.shape,
        detail: plain.detail,
      });
    }),
    { numRuns: 300 },
  );
});

test('the lines follow the branch', () => {
  fc.assert(
    fc.property(fc.nat(2000), fc.boolean(), (shift, crlf) => {
      const moved = '\n'.repeat(shift) + ERA_2618;
      const before = scanDriverSource(ERA_2618, 'mptscsih.c').lines?.first ?? 0;
      const scan = scanDriverSource(crlf ? moved.replaceAll('\n', '\r\n') : moved, 'mptscsih.c');
      expect(scan.lines).toEqual({ first: before + shift, last: before + shift + 3 });
    }),
  );
});

test('random bytes are never fixed, and never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4000 }), (bytes) => {
      const text = Buffer.from(bytes).toString('latin1');
      expect(['not-this-driver', 'unparsable']).toContain(scanDriverSource(text, 'mptscsih.c').shape);
    }),
  );
});

test('a driver cut off anywhere is judged by what is whole, or not at all', () => {
  fc.assert(
    fc.property(fc.nat(ERA_2618.length), (length) => {
      const { shape } = scanDriverSource(ERA_2618.slice(0, length), 'mptscsih.c');
      expect(['affected', 'unparsable']).toContain(shape);
    }),
    { numRuns: 500 },
  );
});

test('a driver with a piece torn out is never taken for another', () => {
  fc.assert(
    fc.property(fc.nat(ERA_2618.length), fc.integer({ min: 1, max: 40 }), (at, length) => {
      const torn = ERA_2618.slice(0, at) + ERA_2618.slice(at + length);
      const site = ERA_2618.indexOf(BRANCH);
      fc.pre(at + length < site || at > site + BRANCH.length);
      expect(['affected', 'unparsable', 'not-this-driver']).toContain(
        scanDriverSource(torn, 'mptscsih.c').shape,
      );
    }),
    { numRuns: 1000 },
  );
});

const TEN_MB = 10_000_000;
/** Each macro names the one before it fifty times. */
const EXPLODING = eraFile({
  success: BRANCH,
  before: Array.from({ length: 20 }, (_, at) => `#define A${at + 1}(x) ${`A${at}(x)+`.repeat(50)}0`).join(
    '\n',
  ),
  prologue: 'xfer_cnt = A20(xfer_cnt);',
});
test.each([
  ['a line of one word', 'a'.repeat(TEN_MB)],
  ['a line of many words', 'mpt '.repeat(TEN_MB / 4)],
  ['open parentheses', '('.repeat(TEN_MB)],
  ['open braces', 'mpt(){'.repeat(TEN_MB / 6)],
  ['open comments', '/*/'.repeat(TEN_MB / 3)],
  ['slashes', '/'.repeat(TEN_MB)],
  ['backslashes', '\\\n'.repeat(TEN_MB / 2)],
  ['quotes', '"\\'.repeat(TEN_MB / 2)],
  ['directives', '#if mpt\n'.repeat(TEN_MB / 8)],
  ['definitions', '#define mpt mpt mpt\n'.repeat(TEN_MB / 20)],
  [
    'conditions in the routine',
    `int mptscsih_io_done(void) {${'\n#ifdef A\n#endif\nif (x) y(); else'.repeat(20_000)}`,
  ],
  [
    'different conditions',
    `int mptscsih_io_done(void) {${Array.from({ length: 3000 }, (_, at) => `\n#ifdef A${at}\nx();\n#endif`).join('')}\n}`,
  ],
  ['macros in macros', EXPLODING],
  ['a chain of else', `int mptscsih_io_done(void) {${'if (a) b(); else '.repeat(TEN_MB / 20)} }`],
  ['functions without end', 'int mptscsih_a(void) { sc->result = 1;'.repeat(TEN_MB / 40)],
])('10 MB of hostile text: %s', (_name, text) => {
  expect(['not-this-driver', 'unparsable', 'affected']).toContain(scanDriverSource(text, 'mptscsih.c').shape);
});

test('a driver with a line of 10 MB keeps its verdict', () => {
  const line = `/* ${'x'.repeat(TEN_MB)} */`;
  expect(scanDriverSource(`${line}${ERA_2618}`, 'mptscsih.c').shape).toBe('affected');
  expect(scanDriverSource(ERA_2622.replace(FIXED, `${line}${FIXED}`), 'mptscsih.c').shape).toBe(
    'branch-removed',
  );
});
