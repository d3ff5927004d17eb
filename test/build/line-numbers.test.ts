import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { proveOnlyBranch } from '../../src/build/compare-builds.ts';
import { keepLineNumbers } from '../../src/build/line-numbers.ts';
import { makePatch } from '../../src/driver/patch/make.ts';
import { readElf } from '../../src/elf/elf.ts';
import { routineSource } from '../driver/module/routine-fixture.ts';
import { ERA_2614, ERA_2618 } from '../driver/source/eras.ts';
import { compiled } from '../elf/branch-fixture.ts';

/** The number that the compiler gives to each line, by the text of the line. */
function numbered(text: string): (readonly [number, string])[] {
  let number = 1;
  const lines: [number, string][] = [];
  for (const line of text.split('\n')) {
    const given = /^#line (\d+)$/.exec(line)?.[1];
    if (given !== undefined) number = Number(given);
    else lines.push([number++, line]);
  }
  return lines;
}

test.each([
  ['lines that went', 'a\nb\nc\nd\n', 'a\nx\nd\n', 'a\nx\n#line 4\nd\n'],
  ['lines that came', 'a\nd\ne\n', 'a\nb\nc\nd\ne\n', 'a\nb\nc\n#line 2\nd\ne\n'],
  ['as many lines', 'a\nb\nc\n', 'a\nx\nc\n', 'a\nx\nc\n'],
  ['a change at the end', 'a\nb\nc\n', 'a\n', 'a\n'],
  ['no change', 'a\n', 'a\n', 'a\n'],
  ['carriage returns', 'a\r\nb\r\nc\r\n', 'a\r\nc\r\n', 'a\r\n#line 3\nc\r\n'],
])('%s', (_what, before, after, wanted) => {
  expect(keepLineNumbers(before, after)).toBe(wanted);
});

test('whatever is cut out and put in, what is behind it keeps its number, and no line is lost', () => {
  const lines = fc.array(fc.constantFrom('', 'a', 'b', '}'), { maxLength: 8 });
  fc.assert(
    fc.property(lines, lines, lines, lines, (head, gone, come, tail) => {
      const before = [...head, ...gone, 'behind', ...tail, ''].join('\n');
      const after = [...head, ...come, 'behind', ...tail, ''].join('\n');
      const kept = numbered(keepLineNumbers(before, after));
      expect(kept.map(([, line]) => line).join('\n')).toBe(after);
      const behind = tail.length + 2;
      expect(kept.slice(-behind)).toEqual(numbered(before).slice(-behind));
    }),
  );
});

test.each([
  ['2.6.14', 'mptscsih.c', ERA_2614],
  ['2.6.18', 'mptscsih.c', ERA_2618],
])('every line behind the patch of %s keeps its number', (base, file, text) => {
  const result = makePatch({ text, file, base });
  if (result.kind === 'nothing') throw new Error(result.detail);
  const kept = new Map(numbered(keepLineNumbers(text, result.patched)));
  const lines = text.split('\n');
  expect(result.patched.split('\n').length).toBeLessThan(lines.length);
  for (const [at, line] of lines.entries())
    if (at + 1 < result.lines.first || at + 1 > result.lines.last) expect(kept.get(at + 1)).toBe(line);
});

describe.each(['-m64', '-m32'])('in code compiled with %s', (bits) => {
  const source = `${routineSource({ busyHostByte: 2 }).replace('if (scsi_status == 0x08) sc->result = (2', '\n\n\nif (scsi_status == 0x08) sc->result = (2')}
extern int complain(int line); int mptscsih_behind(int x) { return x < 0 ? complain(__LINE__) : x; }`;
  const fixed = source.replace(/\n\n\n(if \(scsi_status == 0x08\) sc->result = \(2 [^;]*;\s*else) /, '');
  const build = (text: string) => readElf(compiled(text, { bits }));

  test('a line number behind the patch is no other difference', () => {
    expect(fixed).not.toBe(source);
    const proof = (text: string) => proveOnlyBranch(build(text), build(source));
    expect(proof(fixed)).toMatchObject({ ok: false, detail: expect.stringContaining('mptscsih_behind') });
    expect(proof(keepLineNumbers(source, fixed))).toMatchObject({ ok: true });
  });
});
