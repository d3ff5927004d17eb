import { describe, expect, test } from 'vitest';
import { readElf } from '../../src/elf/elf.ts';
import { featuresOf } from '../../src/elf/features.ts';
import { plainBranches } from '../../src/elf/plain-branches.ts';
import { PC32, PLT32, relocationName, widthOn386 } from '../../src/elf/relocation-types.ts';
import { relocationsOf } from '../../src/elf/relocations.ts';
import { assembled, compiled, loadedText } from './branch-fixture.ts';
import { buildElf } from './elf-builder.ts';

const SOURCE = `
extern int one(int), two(int); extern void report(const char *, int);
int local(int x) { return one(x) + 1; }
int caller(int x) { report("x", x); return two(local(x)) + local(x + 1); }
int tail(int x) { return one(x + 2); }`;

/** Types of relocations of the code, with how often each is there. */
function types(bytes: Uint8Array): Record<string, number> {
  const elf = readElf(bytes);
  const counts: Record<string, number> = {};
  for (const section of elf.sections)
    for (const { type } of relocationsOf(elf, section))
      counts[relocationName(elf, type)] = (counts[relocationName(elf, type)] ?? 0) + 1;
  return counts;
}

/** Places where two files of one size differ. */
function differences(a: Uint8Array, b: Uint8Array): number[] {
  expect(a.length).toBe(b.length);
  return [...a.keys()].filter((at) => a[at] !== b[at]);
}

describe.each([
  ['-m64', 'R_X86_64_'],
  ['-m32', 'R_386_'],
])('of a module compiled with %s', (bits, prefix) => {
  const [plt, pc] = [`${prefix}PLT32`, `${prefix}PC32`];
  const module = compiled(SOURCE, { bits, branches: 'PLT32' });
  const { bytes, edited } = plainBranches(module);

  test('each branch gets the other type, and nothing else of the file changes', () => {
    expect(types(module)[plt]).toBeGreaterThan(4);
    expect(edited).toBe(types(module)[plt]);
    const { [plt]: were, ...others } = types(module);
    expect(types(bytes)).toEqual({ ...others, [pc]: (others[pc] ?? 0) + (were ?? 0) });
    const changed = differences(module, bytes);
    expect(changed).toHaveLength(edited);
    for (const at of changed) expect([module[at], bytes[at]]).toEqual([PLT32, PC32]);
  });

  test('the linker makes the same code of both', () => {
    const symbols = ['one', 'two', 'report'];
    const text = loadedText(module, bits, symbols);
    expect(text.equals(loadedText(bytes, bits, symbols))).toBe(true);
    expect(text.length).toBeGreaterThan(60);
  });

  test('a module without that type comes back as it is', () => {
    const plain = compiled(SOURCE, { bits, branches: 'PC32' });
    expect(types(plain)[plt]).toBe(undefined);
    expect(plainBranches(plain)).toEqual({ bytes: plain, edited: 0 });
    expect(plainBranches(bytes)).toEqual({ bytes, edited: 0 });
  });

  test('a branch to an indirect function keeps its type: only a table could lead there', () => {
    const text =
      '.globl f\n.type f,@gnu_indirect_function\nf: ret\n.globl g\ng: call f@PLT\n call other@PLT\n ret\n';
    const indirect = assembled(text, bits);
    const result = plainBranches(indirect);
    expect([result.edited, types(result.bytes)]).toEqual([1, { [plt]: 1, [pc]: 1 }]);
  });
});

test('position-independent code of i386 keeps all that speaks of its global offset table', () => {
  const pic = compiled(`${SOURCE} int counter; int *where(void) { return &counter; }`, {
    bits: '-m32',
    flags: ['-O2', '-fpic'],
  });
  const before = types(pic);
  const { bytes, edited } = plainBranches(pic);
  expect(edited).toBe(before.R_386_PLT32);
  const after = types(bytes);
  for (const type of ['R_386_GOTPC', 'R_386_GOTOFF', 'R_386_GOT32X'])
    expect([type, after[type]]).toEqual([type, before[type]]);
  expect(Object.keys(before)).toEqual(expect.arrayContaining(['R_386_GOTPC', 'R_386_PLT32']));
});

test.each([
  ['ppc, where 4 is another type', 20, 32, false],
  ['arm', 40, 32, true],
  ['aarch64', 183, 64, true],
] as const)('a module of %s comes back as it is', (_name, machine, bits, little) => {
  const entry = bits === 64 ? 24 : 12;
  const table = Buffer.alloc(entry);
  table[little ? (bits === 64 ? 8 : 4) : entry - 5] = 4;
  const module = buildElf({
    ...{ bits, little, machine },
    sections: [
      { name: '.text', content: Buffer.alloc(8) },
      { name: '.rela.text', type: 4, content: table, info: 1, link: 3, entrySize: entry },
    ],
    symbols: [{ name: 'f', section: 1 }],
  });
  expect(plainBranches(module)).toEqual({ bytes: module, edited: 0 });
});

test('every type of both machines has the name that readelf prints', () => {
  const names = (machine: number, machineName: string, types_: readonly number[]) =>
    types_.map((type) => relocationName({ machine, machineName }, type));
  expect(names(62, 'x86_64', [0, 1, 2, 4, 9, 10, 11, 24, 37, 41, 42, 43, 99])).toEqual([
    ...[
      'R_X86_64_NONE',
      'R_X86_64_64',
      'R_X86_64_PC32',
      'R_X86_64_PLT32',
      'R_X86_64_GOTPCREL',
      'R_X86_64_32',
    ],
    ...[
      'R_X86_64_32S',
      'R_X86_64_PC64',
      'R_X86_64_IRELATIVE',
      'R_X86_64_GOTPCRELX',
      'R_X86_64_REX_GOTPCRELX',
    ],
    ...['relocation type 43 of x86_64', 'relocation type 99 of x86_64'],
  ]);
  expect(names(3, 'i386', [0, 1, 2, 4, 10, 12, 20, 23, 42, 43, 44])).toEqual([
    ...['R_386_NONE', 'R_386_32', 'R_386_PC32', 'R_386_PLT32', 'R_386_GOTPC', 'relocation type 12 of i386'],
    ...['R_386_16', 'R_386_PC8', 'R_386_IRELATIVE', 'R_386_GOT32X', 'relocation type 44 of i386'],
  ]);
  expect(relocationName({ machine: 40, machineName: 'arm' }, 2)).toBe('relocation type 2 of arm');
  expect([0, 1, 2, 20, 21, 22, 23].map(widthOn386)).toEqual([0, 4, 4, 2, 2, 1, 1]);
});

test('what a module uses is told with its first place and its number', () => {
  const found = featuresOf(readElf(compiled(SOURCE, { bits: '-m64', branches: 'PLT32' })));
  expect(found.find(({ key }) => key === 'relocation 4')).toEqual({
    key: 'relocation 4',
    name: 'R_X86_64_PLT32 (type 4)',
    place: expect.stringMatching(/^\.text\+0x[0-9a-f]+$/),
    count: expect.any(Number),
  });
  expect(found.find(({ key }) => key === 'section type 4')?.name).toBe('SHT_RELA (section type 4)');
});
