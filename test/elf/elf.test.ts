import { describe, expect, it } from 'vitest';
import { type ElfFile, readElf } from '../../src/elf/elf.ts';
import { functionBody, functionIndex, functionsOf } from '../../src/elf/functions.ts';
import { relocationsOf } from '../../src/elf/relocations.ts';
import { sectionBytes, sectionNamed } from '../../src/elf/sections.ts';
import { isFailure } from '../../src/errors.ts';
import { buildElf, type ElfPlan, out } from './elf-builder.ts';

const SHAPES = [
  { bits: 32, little: true },
  { bits: 32, little: false },
  { bits: 64, little: true },
  { bits: 64, little: false },
] as const;

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isFailure(error)) return `${error.failure.code} ${error.failure.what}`;
    throw error;
  }
  return 'nothing was refused';
}

describe.each(SHAPES)('a file of $bits bits, little-endian: $little', (shape) => {
  const rela = out(shape.little);
  const wide = shape.bits === 64;
  // Two relocations, out of order: symbol 2 at 9, symbol 1 at 3, addends -4 and 0x20008.
  for (const [offset, symbol, type, addend] of [
    [9, 2, 4, -4],
    [3, 1, 1, 0x20008],
  ] as const) {
    rela.number(offset, wide ? 8 : 4);
    rela.number(wide ? (BigInt(symbol) << 32n) | BigInt(type) : (symbol << 8) | type, wide ? 8 : 4);
    rela.number(addend, wide ? 8 : 4);
  }
  const code = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
  const bytes = buildElf({
    ...shape,
    machine: 20,
    sections: [
      { name: '.text', content: code },
      { name: '.rela.text', type: 4, content: rela.done(), link: 3, info: 1, entrySize: wide ? 24 : 12 },
    ],
    symbols: [
      { name: '', info: 0x03, section: 1 },
      { name: 'printk', info: 0x10 },
      { name: 'second', value: 8n, size: 8, section: 1 },
      { name: 'first', value: 2n, size: 6, section: 1 },
      { name: '__crc_first', value: 0x89abcdefn, info: 0x10, section: 0xfff1 },
    ],
  });

  it('has its header, sections and symbols read', () => {
    const elf = readElf(bytes);
    expect(elf.class).toBe(shape.bits);
    expect(elf.littleEndian).toBe(shape.little);
    expect(elf.machineName).toBe('ppc');
    expect(elf.sections.map((section) => section.name)).toEqual([
      '',
      '.text',
      '.rela.text',
      '.symtab',
      '.strtab',
    ]);
    expect(elf.symbols[4]).toMatchObject({ name: 'first', value: 2, size: 6, binding: 'global', section: 1 });
    expect(elf.symbols[5]).toMatchObject({ section: 'absolute', value: 0x89abcdef });
    expect(elf.symbols[2]).toMatchObject({ name: 'printk', section: 'undefined', type: 'none' });
  });

  it('has its relocations read, sorted, named by symbol or section', () => {
    const elf = readElf(bytes);
    const text = sectionNamed(elf, '.text');
    const found = text === undefined ? [] : relocationsOf(elf, text);
    expect(found.map(({ offset, type, name, addend }) => ({ offset, type, name, addend }))).toEqual([
      { offset: 3, type: 1, name: '.text', addend: 0x20008 },
      { offset: 9, type: 4, name: 'printk', addend: -4 },
    ]);
  });

  it('gives each function its own bytes and relocations', () => {
    const elf = readElf(bytes);
    const functions = functionsOf(elf);
    expect(functions.map((fn) => fn.name)).toEqual(['first', 'second']);
    const [first, second] = functions;
    if (first === undefined || second === undefined) throw new Error('no functions');
    expect(Buffer.from(functionBody(elf, first).bytes).toString('hex')).toBe('223344556677');
    expect(functionBody(elf, first).relocations.map((relocation) => relocation.offset)).toEqual([1]);
    expect(functionBody(elf, second).relocations.map((relocation) => relocation.name)).toEqual(['printk']);
    expect(functionIndex(functions).at(1, 9)?.name).toBe('second');
    expect(functionIndex(functions).at(1, 1)).toBeUndefined();
  });
});

describe('files that lie', () => {
  const base: ElfPlan = { bits: 64, little: true, sections: [{ name: '.text', content: Buffer.alloc(16) }] };
  const withSection = (lie: Partial<ElfPlan['sections'][number]>) =>
    buildElf({ ...base, sections: [{ name: '.text', content: Buffer.alloc(16), ...lie }] });

  it.each([
    ['a size of 2^53', withSection({ size: 1n << 53n }), /impossible size/],
    ['a size of 2^63', withSection({ size: 1n << 63n }), /impossible size/],
    ['a size past the end', withSection({ size: 1n << 40n }), /outside the file/],
    ['an offset of 2^64 - 1', withSection({ offset: (1n << 64n) - 1n }), /impossible size/],
    ['an executable in place of an object', buildElf({ ...base, type: 2 }), /type 2/],
    ['text', Buffer.from('#!/bin/sh\n'), /does not start like an ELF file/],
    ['a header alone', buildElf(base).subarray(0, 60), /truncated/],
    [
      'a symbol in a section that is not there',
      buildElf({ ...base, symbols: [{ name: 'x', section: 77 }] }),
      /section that is not there/,
    ],
  ])('%s is refused', (_name, bytes, reason) => {
    const said = refusal(() => readElf(bytes));
    expect(said).toMatch(/^E_CANNOT_DECIDE /);
    expect(said).toMatch(reason);
  });

  it('refuses a function that reaches past its section only when it is asked for', () => {
    const elf = readElf(buildElf({ ...base, symbols: [{ name: 'long', value: 8n, size: 9, section: 1 }] }));
    const [long] = functionsOf(elf);
    if (long === undefined) throw new Error('no function');
    expect(refusal(() => functionBody(elf, long))).toMatch(/long reaches past its section/);
  });

  it('refuses names whose total is the square of their table', () => {
    const content = Buffer.alloc(3_000_000, 'a');
    const table = out(true).bytes(Buffer.alloc(24));
    for (let index = 1; index < 5000; index++) table.number(index, 4).bytes(Buffer.alloc(20));
    const sections = [
      { name: '.names', type: 3, content },
      { name: '.own', type: 2, content: table.done(), link: 1, entrySize: 24 },
    ];
    expect(refusal(() => readElf(buildElf({ ...base, sections })))).toMatch(/impossibly long/);
  });

  it('takes a section without bytes in the file at its word', () => {
    const elf: ElfFile = readElf(withSection({ type: 8, size: 1n << 40n }));
    const section = sectionNamed(elf, '.text');
    expect(section?.size).toBe(2 ** 40);
    expect(section === undefined ? undefined : sectionBytes(elf, section).length).toBe(0);
  });
});
