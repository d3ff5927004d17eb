import { describe, expect, it } from 'vitest';
import { compareFunctions, compareSection } from '../../src/elf/compare.ts';
import { type ElfFile, readElf } from '../../src/elf/elf.ts';
import { compile, type RoutineShape, routineSource } from '../driver/module/routine-fixture.ts';

/** Functions around the routine that call across it, switch by a table, and name texts. */
async function build(shape: RoutineShape, flags: readonly string[], factor = 7): Promise<ElfFile> {
  const before = `
    static int after(int x) __attribute__((noinline));
    extern int shout(const char *text, int number);
    int before(int x) { return after(x) + shout("before", x); }`;
  const behind = `
    static int after(int x) { return x * ${factor} + shout("after the routine", x); }
    int choose(int x) {
      switch (x) { case 0: return shout("a", 1); case 1: return after(2); case 2: return before(3);
      case 3: return after(x + 9); case 4: return shout("e", 5); case 5: return after(1) + 1; default: return 0; }
    }`;
  return readElf(await compile(before + routineSource(shape) + behind, [...flags, '-fno-toplevel-reorder']));
}

const NOTHING = { changed: [], onlyFirst: [], onlySecond: [] };

describe.each([['-m64'], ['-m32']])('compared as compiled with %s', (bits) => {
  const flags = [bits, '-O2', '-fno-ipa-icf', '-fno-inline'];

  it('two equal builds have no difference', async () => {
    const [a, b] = [await build({ busyHostByte: 2 }, flags), await build({ busyHostByte: 2 }, flags)];
    expect(compareFunctions(a, b)).toEqual(NOTHING);
    expect(['.text', '.rodata', '.rodata.str1.1'].map((name) => compareSection(a, b, name))).toEqual([
      'same',
      'same',
      'same',
    ]);
  });

  it('without the branch only the routine differs, though all behind it has moved', async () => {
    const [a, b] = [await build({ busyHostByte: 2 }, flags), await build({}, flags)];
    expect(compareFunctions(a, b)).toEqual({ ...NOTHING, changed: ['mptscsih_io_done'] });
    expect(compareSection(a, b, '.text')).toBe('bytes');
  });

  it('one changed factor in another function is found there', async () => {
    const [a, b] = [await build({}, flags), await build({}, flags, 9)];
    expect(compareFunctions(a, b).changed).toEqual(['after']);
  });

  it('added and lost functions are named', async () => {
    const a = await build({}, flags);
    const b = await build({ functionName: 'renamed' }, flags);
    expect(compareFunctions(a, b)).toMatchObject({
      onlyFirst: ['mptscsih_io_done'],
      onlySecond: ['renamed'],
    });
  });

  it('a call to another symbol is a difference of relocations alone', async () => {
    const caller = (callee: string) =>
      compile(`extern int ${callee}(void); int f(void) { return ${callee}() + 1; }`, flags);
    const [a, b] = [readElf(await caller('one')), readElf(await caller('two'))];
    expect(compareSection(a, b, '.text')).toBe('relocations');
    expect(compareFunctions(a, b).changed).toEqual(['f']);
  });
});

it('missing sections are told apart', async () => {
  const plain = readElf(await compile('int f(void) { return 1; }', []));
  const withData = readElf(
    await compile('int f(void) { return 1; } __attribute__((section("extra"))) int d = 5;', []),
  );
  expect(compareSection(plain, withData, 'extra')).toBe('only-second');
  expect(compareSection(withData, plain, 'extra')).toBe('only-first');
  expect(compareSection(plain, plain, 'extra')).toBe('both-missing');
});
