import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scanDriverSource } from '../../../src/driver/source/scan.ts';
import { endsInBounds, growsLinearly } from '../../helpers/bounds.ts';
import { changesOf, mutated } from '../../helpers/mutated.ts';
import { ERA_269, ERA_2618, ERA_RHEL4_U5 } from './eras.ts';

const CASES = new URL('hostile-sources.ts', import.meta.url);
const TOO_LARGE = 'unparsable: cannot be judged: the completion routine is too large to follow';
const TOO_LONG = 'unparsable: cannot be judged: mptscsih_io_done has more than 10000 words and signs';
const JUDGED = 'affected: a BUSY command ends as DID_BUS_BUSY';

describe('a hostile source ends soon, and in little memory:', () => {
  endsInBounds(CASES, [
    ['attributes after a function', 80_000, JUDGED],
    ['blanks after the version', 2_000_000, JUDGED],
    ['a condition of macros of macros', 6, 'unparsable: cannot be judged: its #if lines take too many steps'],
    [
      'a condition of macros of macros',
      100,
      'unparsable: cannot be judged: its #if lines take too many steps',
    ],
    ['definitions after the routine', 2000, JUDGED],
    ['definitions after the routine', 20_000, TOO_LONG],
    ['a long sum', 3000, JUDGED],
    ['a long sum', 100_000, TOO_LONG],
    ['a long path', 3000, JUDGED],
    ['a long condition', 100_000, JUDGED],
    ['loops in loops around much', 1500, TOO_LARGE],
    ['a switch with many cases', 1000, TOO_LARGE],
    ['jumps with many variables', 5000, TOO_LONG],
    ['open conditions, and many tokens', 1500, JUDGED],
    ['open conditions, and many definitions', 14_000, JUDGED],
    ['open conditions, and many tokens', 80_000, 'unparsable: cannot be judged: it has more tokens'],
    ['conditions that show one another', 2000, JUDGED],
    ['conditions in a row', 1500, JUDGED],
    ['conditions in a row', 30_000, TOO_LONG],
    ['strings and names in a row', 100_000, TOO_LONG],
    ['a macro that is used often', 1500, TOO_LARGE],
    ['else if', 1000, 'unparsable: cannot be judged: nested too deeply'],
    ['parentheses', 4000, JUDGED],
    ['comments that never end', 5_000_000, 'unparsable: cannot be judged: the completion routine is missing'],
    ['quotes', 5_000_000, 'unparsable: cannot be judged: it has more tokens'],
    ['calls in calls', 1000, JUDGED],
  ]);
});

describe('twice the text is no more than twice the steps:', () => {
  growsLinearly(CASES, [
    ['attributes after a function', 20_000],
    ['definitions after the routine', 1000],
    ['a long sum', 400],
    ['conditions in a row', 500],
    ['open conditions, and many tokens', 500],
    ['open conditions, and many definitions', 5000],
  ]);
});

/** Pieces of C that make a file another one, put in place of some of its own. */
const PIECES = [
  '#if A',
  '#else',
  '#endif',
  '#define sc',
  '{',
  '}',
  '(',
  ')',
  '/*',
  '*/',
  '"',
  "'",
  '\\\n',
  '->result',
  '?',
  ':',
  'else',
  'goto x;',
  'x:',
  'while (1)',
  '__a',
  ';',
  '\0',
];

test('a file that is changed anywhere is judged, and never by an error of the machine', () => {
  fc.assert(
    fc.property(fc.constantFrom(ERA_269, ERA_2618, ERA_RHEL4_U5), changesOf(PIECES), (era, changes) => {
      const { shape, detail } = scanDriverSource(mutated(era, changes), 'mptscsih.c');
      expect(detail).not.toMatch(/call stack|undefined|is not a function|of null/);
      expect(shape).toBeTypeOf('string');
    }),
    { numRuns: 1000 },
  );
});
