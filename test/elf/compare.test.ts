import { describe, expect, it } from 'vitest';
import { compareData, compareFunctions, compareSection } from '../../src/elf/compare.ts';
import { type ElfFile, readElf } from '../../src/elf/elf.ts';
import { compile, type RoutineShape, routineSource } from '../driver/module/routine-fixture.ts';
import { assembled } from './branch-fixture.ts';

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

const FUNCTION = '.text\n.globl f\n.type f,@function\nf: ret\n.size f,.-f\n';

describe.each(['-m64', '-m32'])('relocations compared with %s:', (bits) => {
  const read = (text: string) => readElf(assembled(text, bits));
  const is64 = bits === '-m64';
  const word = is64 ? '.quad' : '.long';

  it('a symbol of the module and its section with the distance to it are one', () => {
    const text = (target: string) =>
      read(
        `.text\n.long 0\nlocal: ret\n.data\n${word} ${target}\n.section .other,"a"\n.long ${target} - .\n`,
      );
    const [a, b] = [text('local'), text('.text + 4')];
    expect(['.data', '.other'].map((name) => compareSection(a, b, name))).toEqual(['same', 'same']);
    expect(compareSection(a, text('.text + 3'), '.data')).toBe('relocations');
  });

  it('a global symbol of the module and its place are one, and another place is not', () => {
    const text = (place: number, target: string) =>
      read(`.text\n.skip ${place}\n.globl g\ng: ret\n.skip ${8 - place}\n.data\n${word} ${target}\n`);
    expect(compareSection(text(4, 'g'), text(4, '.text + 4'), '.data')).toBe('same');
    expect(compareSection(text(4, 'g'), text(5, 'g'), '.data')).toBe('relocations');
  });

  it('an addend that differs is a difference, also where it is in the section itself', () => {
    const text = (addend: number) => read(`.data\n${word} outside + ${addend}\n`);
    expect(compareSection(text(4), text(4), '.data')).toBe('same');
    expect(compareSection(text(4), text(8), '.data')).not.toBe('same');
  });

  it('a branch of the older and of the newer type is one, to another symbol or place it is not', () => {
    const old = (to: string, addend = -4) =>
      read(`${FUNCTION}h: .byte 0xe8\n.long ${to} - . + ${addend}\nret\n`);
    const now = (to: string) => read(`${FUNCTION}h: call ${to}@PLT\nret\n`);
    expect(compareSection(old('outside'), now('outside'), '.text')).toBe('same');
    expect(compareSection(old('other'), now('outside'), '.text')).toBe('relocations');
    expect(compareSection(old('outside', -5), now('outside'), '.text')).not.toBe('same');
    expect(compareFunctions(old('outside'), now('outside'))).toEqual(NOTHING);
    expect(compareFunctions(old('other'), now('outside')).changed).toEqual(['h']);
  });

  it('a branch to an indirect function is not the same as one to a plain function', () => {
    const text = (branch: string) =>
      read(`.globl i\n.type i,@gnu_indirect_function\ni: ret\nh: ${branch}\nret\n`);
    const [old, now] = [text('.byte 0xe8\n.long i - . - 4'), text('call i@PLT')];
    expect(compareSection(old, now, '.text')).toBe('relocations');
  });

  it('every section of a name is compared', () => {
    const text = (value: number) =>
      read(
        `.section .twice,"aG",@progbits,one,comdat\none: .long 1\n.section .twice,"aG",@progbits,two,comdat\ntwo: .long ${value}\n`,
      );
    expect(compareSection(text(2), text(2), '.twice')).toBe('same');
    expect(compareSection(text(2), text(3), '.twice')).toBe('bytes');
    expect(compareSection(text(2), read('.section .twice,"a"\n.long 1\n'), '.twice')).toBe('bytes');
  });

  it('what is beside a place of fewer than four bytes is compared', () => {
    const text = (after: number) =>
      read(`${FUNCTION}g: .word outside\n.byte ${after},0\n.type g,@function\n.size g,4\n`);
    expect(compareSection(text(1), text(1), '.text')).toBe('same');
    expect(compareSection(text(1), text(2), '.text')).toBe('bytes');
    expect(compareFunctions(text(1), text(2)).changed).toEqual(['g']);
  });

  it('a function may end inside of its last relocation', () => {
    const text = read(`.text\n.type f,@function\nf: .byte 0xe8\n.long outside - . - 4\n.size f,3\n.skip 8\n`);
    expect(compareFunctions(text, text)).toEqual(NOTHING);
  });

  it('data that names functions is the same where they only moved', () => {
    const text = (before: number, target = 'moved') =>
      read(
        `.text\n.skip ${before}\n.type moved,@function\nmoved: ret\n.size moved,1\n.type last,@function\nlast: ret\n.size last,1\n.data\n${word} ${target}\n`,
      );
    expect(compareData(text(1), text(9), '.data')).toBe('same');
    expect(compareSection(text(1), text(9), '.data')).toBe('relocations');
    expect(compareData(text(1), text(9, 'last'), '.data')).toBe('relocations');
  });

  it('code behind the functions is compared, from each label to the next', () => {
    const text = (before: number, wait: string) =>
      read(
        `.text\n.type f,@function\nf: .skip ${before},0x90\n1: jmp 2f\n.size f,.-f\n.text.lock.x: 2: call ${wait}\njmp 1b\n`,
      );
    expect(compareFunctions(text(4, 'down'), text(4, 'down'))).toEqual(NOTHING);
    expect(compareFunctions(text(4, 'down'), text(4, 'up')).changed).toEqual(['.text.lock.x']);
  });

  it('what only fills up behind such code is not', () => {
    const text = (fill: string, behind = '') =>
      read(`${FUNCTION}.text.lock.x: call down\njmp f\n${fill}\n${behind}`);
    for (const fill of ['.p2align 2', '.p2align 4', '.byte 0x90,0x90,0x90', '.byte 0x66,0x90'])
      expect(compareFunctions(text(''), text(fill)), fill).toEqual(NOTHING);
    expect(compareFunctions(text(''), text('ret')).changed).toEqual(['.text.lock.x']);
    expect(compareFunctions(text('nop'), text('nop', 'ret')).changed).toEqual(['.text.lock.x']);
    // lea 0(%esi),%esi, the fill of old assemblers for i386; on x86-64 it clears half a register.
    const lea = compareFunctions(text(''), text('.byte 0x8d,0x76,0x00'));
    expect(lea.changed).toEqual(bits === '-m32' ? [] : ['.text.lock.x']);
  });
});
