import { gzipSync } from 'node:zlib';
import { compareFunctions, compareSection } from '../../src/elf/compare.ts';
import { decompressModule, moduleFormat } from '../../src/elf/compression.ts';
import { type ElfFile, readElf } from '../../src/elf/elf.ts';
import { featuresOf } from '../../src/elf/features.ts';
import { buildId, exportsOf, modinfo, moduleName, moduleVersions } from '../../src/elf/module-data.ts';
import { plainBranches } from '../../src/elf/plain-branches.ts';
import { filterTool } from '../../src/guest/module-file.ts';
import { localTarget } from '../../src/machine/tree.ts';
import type { Hostile } from '../helpers/bounded.ts';
import { type BuiltSection, type BuiltSymbol, buildElf, out } from './elf-builder.ts';

const machine = localTarget({ dryRun: true });

function file(sections: readonly BuiltSection[], symbols: readonly BuiltSymbol[] = []): Buffer {
  return buildElf({ bits: 64, little: true, sections, symbols });
}

/** Relocations of a section: a call each, to the first symbol. */
function relocations(count: number, place: (index: number) => number, symbol = 1): Buffer {
  const table = Buffer.alloc(24 * count);
  for (let index = 0; index < count; index += 1) {
    table.writeBigUInt64LE(BigInt(place(index)), index * 24);
    table.writeUInt32LE(2, index * 24 + 8);
    table.writeUInt32LE(symbol, index * 24 + 12);
  }
  return table;
}

function rela(info: number, content: Buffer, symtab: number): BuiltSection {
  return { name: '.rela', type: 4, content, info, link: symtab, entrySize: 24 };
}

/** Compares a file with itself, function by function. */
const functions = (bytes: Buffer) => () => {
  const elf = readElf(bytes);
  const { changed } = compareFunctions(elf, readElf(bytes));
  return `${changed.length} changed`;
};

/** Compares a file with itself, section by section, as the proof of an initramfs does. */
const sections = (bytes: Buffer) => () => {
  const [one, other] = [readElf(bytes), readElf(bytes)];
  const names = new Set(one.sections.map(({ name }) => name));
  return `${[...names].filter((name) => compareSection(one, other, name) !== 'same').length} differ`;
};

/** Marks the first section as code that is loaded. */
function markedAsCode(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(6, Number(bytes.readBigUInt64LE(40)) + 64 + 8);
  return bytes;
}

const told = (bytes: Buffer, ask: (elf: ElfFile) => unknown) => () => `${ask(readElf(bytes))}`;

const packed = (bytes: Buffer) => async () =>
  `${(await decompressModule(bytes, moduleFormat(bytes), filterTool(machine))).length} bytes`;

const through = async (bytes: Buffer, argv: readonly [string, ...string[]]): Promise<Buffer> =>
  (await machine.run(argv, { effect: 'read', input: bytes })).stdout;

const many = <T>(count: number, one: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => one(index));

const NOP = 0x90;

export const HOSTILE: Readonly<Record<string, Hostile>> = {
  'functions of one name': (size) =>
    functions(
      file(
        [{ name: '.text', content: Buffer.alloc(64, NOP) }],
        many(size, () => ({ name: 'f', size: 1, section: 1 })),
      ),
    ),
  'functions that are all of the code': (size) =>
    functions(
      file(
        [{ name: '.text', content: Buffer.alloc(65_536, NOP) }],
        many(size, (index) => ({ name: `f${index}`, size: 65_536, section: 1 })),
      ),
    ),
  'a function with many relocations': (size) =>
    functions(
      file(
        [
          { name: '.text', content: Buffer.alloc(size * 5, Buffer.from([0xe8, 0, 0, 0, 0])) },
          rela(
            1,
            relocations(size, (index) => index * 5 + 1),
            3,
          ),
        ],
        [{ name: 'f', size: size * 5, section: 1 }],
      ),
    ),
  'branches among many functions': (size) =>
    functions(
      file(
        [{ name: '.text', content: Buffer.alloc(size * 5, Buffer.from([0xe8, 0xf0, 0xff, 0xff, 0xff])) }],
        many(size, (index) => ({ name: `f${index}`, value: BigInt(index * 5), size: 5, section: 1 })),
      ),
    ),
  'texts without an end': (size) =>
    functions(
      file(
        [
          { name: '.text', content: Buffer.alloc(size * 5, Buffer.from([0xe8, 0, 0, 0, 0])) },
          rela(
            1,
            relocations(size, (index) => index * 5 + 1),
            4,
          ),
          { name: '.rodata.str1.1', content: Buffer.alloc(1_000_000, 'x') },
        ],
        [
          { name: 's', info: 3, section: 3 },
          { name: 'f', size: size * 5, section: 1 },
        ],
      ),
    ),
  'one table of relocations for many sections': (size) => {
    const table = relocations(20_000, () => 0);
    const first: BuiltSection = rela(1, table, 0);
    const plan = [
      ...many(size, (index) => ({ name: `.t${index}`, content: Buffer.alloc(8) })),
      { ...first, info: 1 },
    ];
    const base = file(plan, [{ name: 'f', section: 1 }]);
    // Where the table lies: all others point to it.
    const at = BigInt(base.indexOf(table));
    return sections(
      file(
        [
          ...plan,
          ...many(size, (index) => ({
            ...rela(index + 1, Buffer.alloc(0), 0),
            offset: at,
            size: BigInt(table.length),
          })),
        ],
        [{ name: 'f', section: 1 }],
      ),
    );
  },
  'many sections': (size) =>
    sections(file(many(size, (index) => ({ name: `.t${index}`, content: Buffer.alloc(1) })))),
  'sections of one name': (size) =>
    sections(file(many(size, () => ({ name: '.t', content: Buffer.alloc(1) })))),
  'labels behind the functions': (size) =>
    functions(
      markedAsCode(
        file(
          [{ name: '.text', content: Buffer.alloc(size * 2, NOP) }],
          many(size, (index) => ({ name: `l${index}`, info: 0, value: BigInt(index * 2), section: 1 })),
        ),
      ),
    ),
  'features of many sections': (size) =>
    told(
      file(
        many(size, (index) => ({
          name: `.t${index}`,
          type: index % 2 === 0 ? 2 : 1,
          ...(index % 2 === 0 && { entrySize: 24 }),
          content: Buffer.alloc(24),
        })),
      ),
      (elf) => featuresOf(elf).length,
    ),
  'branches to be given another type': (size) => {
    const table = relocations(size, () => 0);
    for (let at = 8; at < table.length; at += 24) table.writeUInt32LE(4, at);
    const bytes = file(
      [{ name: '.text', content: Buffer.alloc(8) }, rela(1, table, 3)],
      [{ name: 'f', section: 1 }],
    );
    return () => `${plainBranches(bytes).edited} edited`;
  },
  'many symbols': (size) =>
    told(
      file(
        [{ name: '.text', content: Buffer.alloc(8) }],
        many(size, (index) => ({ name: `s${index}`, section: 1 })),
      ),
      (elf) => elf.symbols.length,
    ),
  'symbols with the same long name': (size) =>
    told(
      file(
        [{ name: '.text', content: Buffer.alloc(8) }],
        many(size, () => ({ name: 'x'.repeat(4000), section: 1 })),
      ),
      (elf) => elf.symbols.length,
    ),
  'modinfo of many texts': (size) =>
    told(file([{ name: '.modinfo', content: Buffer.alloc(size, 'a=\0') }]), (elf) => modinfo(elf).size),
  'versions of many symbols': (size) =>
    told(
      file([
        {
          name: '__versions',
          content: Buffer.concat(
            many(size, (index) => Buffer.alloc(64, `\0\0\0\0\0\0\0\0${'x'.repeat(40)}${index}\0`)),
          ),
        },
      ]),
      (elf) => moduleVersions(elf).size,
    ),
  'exports of many symbols': (size) =>
    told(
      file(
        [{ name: '__ksymtab', content: Buffer.alloc(8) }],
        many(size, (index) => ({ name: `__ksymtab_${index}`, section: 1 })),
      ),
      (elf) => exportsOf(elf).length,
    ),
  'notes without content': (size) =>
    told(file([{ name: '.note.gnu.build-id', type: 7, content: Buffer.alloc(size * 12) }]), (elf) =>
      buildId(elf),
    ),
  'a name without an end': (size) =>
    told(file([{ name: '.gnu.linkonce.this_module', content: Buffer.alloc(size, 'x') }]), (elf) =>
      moduleName(elf),
    ),
  'packed with gzip': (size) => packed(gzipSync(Buffer.alloc(size))),
  'packed with bzip2': async (size) => packed(await through(Buffer.alloc(size), ['bzip2', '-9c'])),
  'packed with lzma': async (size) =>
    packed(await through(Buffer.alloc(size), ['xz', '-0c', '--format=lzma'])),
  'packed with xz': async (size) => packed(await through(Buffer.alloc(size), ['xz', '-0c'])),
  'packed with xz, in two streams': async (size) => {
    const half = await through(Buffer.alloc(size / 2), ['xz', '-0c']);
    const small = await through(Buffer.alloc(5), ['xz', '-0c']);
    return packed(Buffer.concat([half, half, small]));
  },
  'packed with zstd': async (size) => packed(await through(Buffer.alloc(size), ['zstd', '-qc'])),
  'packed with lz4': async (size) => packed(await through(Buffer.alloc(size), ['lz4', '-qc'])),
  'an odd number of bytes': (size) => told(out(true).bytes(Buffer.alloc(size)).done(), () => 'read'),
};
