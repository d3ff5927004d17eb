import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitToLoader } from '../../src/build/fit-loader.ts';
import { KNOWN_FEATURES, kernelKnows } from '../../src/build/loader-knows.ts';
import { PROOFS } from '../../src/build/proof.ts';
import { proveRelocations } from '../../src/build/prove-relocations.ts';
import type { Builds } from '../../src/build/running-builds.ts';
import { type ElfFile, readElf } from '../../src/elf/elf.ts';
import { featuresOf } from '../../src/elf/features.ts';
import { plainBranches } from '../../src/elf/plain-branches.ts';
import { relocationsOf } from '../../src/elf/relocations.ts';
import { isFailure } from '../../src/errors.ts';
import { routineSource } from '../driver/module/routine-fixture.ts';
import { assembled, type BranchType, compiled } from '../elf/branch-fixture.ts';
import { buildElf } from '../elf/elf-builder.ts';

const MACHINES = [
  ['-m64', 'R_X86_64_', '4.16', '4.15.18', ['-O2', '-mcmodel=kernel']],
  ['-m32', 'R_386_', '5.12', '5.11.22', ['-O2', '-mregparm=3', '-march=i686']],
] as const;

const driver = (
  bits: string,
  flags: readonly string[],
  branches: BranchType,
  busyHostByte?: number,
): Buffer =>
  compiled(routineSource(busyHostByte === undefined ? {} : { busyHostByte }), { bits, flags, branches });

const builds = (patched: Buffer, unchanged: Buffer): Builds => ({
  patched: { bytes: patched, log: 'CC patched\n', command: [] },
  unchanged: { bytes: unchanged, log: 'CC unchanged\n', command: [] },
});

const keys = (elf: ElfFile) => featuresOf(elf).map(({ key }) => key);

describe.each(MACHINES)('a module compiled with %s', (bits, prefix, since, before, flags) => {
  const shipped = readElf(driver(bits, flags, 'PC32', 2));
  const [patched, unchanged] = [driver(bits, flags, 'PLT32'), driver(bits, flags, 'PLT32', 2)];

  test('with PLT32 never passes for a guest of 2.6.18, and the message names type, number and place', () => {
    const proof = proveRelocations({ built: readElf(patched), shipped, version: '2.6.18' });
    expect([proof.ok, PROOFS[proof.name].code, 'isWaivable' in PROOFS[proof.name]]).toEqual([
      false,
      'E_PROOF_RELOCATIONS',
      false,
    ]);
    expect(proof.detail).toMatch(
      new RegExp(
        `^${prefix}PLT32 \\(type 4\\) at \\.text\\+0x[0-9a-f]+ and \\d+ more: the guest’s module has none, and Linux knows it from ${since} on, this one is 2\\.6\\.18$`,
      ),
    );
  });

  test('after the edit of both builds it has only types that the guest’s own module has', () => {
    const { builds: fitted, edits } = fitToLoader(builds(patched, unchanged), shipped, '2.6.18');
    for (const { bytes } of [fitted.patched, fitted.unchanged]) {
      const built = readElf(bytes);
      expect(keys(built).filter((key) => !keys(shipped).includes(key))).toEqual([]);
      const proof = proveRelocations({ built, shipped, version: '2.6.18' });
      expect([proof.ok, proof.detail]).toEqual([
        true,
        expect.stringMatching(new RegExp(`${prefix}PC32.*; all as in the guest’s module$`)),
      ]);
      expect(proof.detail).not.toContain('PLT32');
    }
    const count = relocationsOfType(patched, 4);
    expect(edits).toEqual([
      {
        from: `${prefix}PLT32`,
        to: `${prefix}PC32`,
        count,
        why: expect.stringContaining(`from ${since} on`),
      },
    ]);
    expect(fitted.patched.log).toMatch(
      new RegExp(
        `^CC patched\\nedited ${count} relocations of the module, ${prefix}PLT32 to ${prefix}PC32: `,
      ),
    );
    expect(fitted.unchanged.log).toMatch(/^CC unchanged\nedited \d+ relocations/);
  });

  test('keeps PLT32 where the kernel knows it, or where the guest’s own module has it', () => {
    const theirs = readElf(driver(bits, flags, 'PLT32', 2));
    for (const [version, guests, edited] of [
      [before, shipped, true],
      [since, shipped, false],
      ['6.1.192', shipped, false],
      [before, theirs, false],
      ['2.6.18', theirs, false],
    ] as const) {
      const given = builds(patched, unchanged);
      const fitted = fitToLoader(given, guests, version);
      expect([version, fitted.edits.length > 0]).toEqual([version, edited]);
      if (!edited) expect(fitted.builds).toBe(given);
      const proof = proveRelocations({
        built: readElf(fitted.builds.patched.bytes),
        shipped: guests,
        version,
      });
      expect([version, proof.ok]).toEqual([version, true]);
    }
  });

  test('unedited it passes from the version on that knows PLT32, and the proof says that it is new', () => {
    const built = readElf(patched);
    const prove = (version: string) => proveRelocations({ built, shipped, version });
    expect([before, since, '2.4.37', '3.10.0'].map((version) => prove(version).ok)).toEqual([
      ...[false, true, false, false],
    ]);
    expect(prove(since).detail).toMatch(
      new RegExp(
        `; all known to Linux ${since}, though not in the guest’s module: ${prefix}PLT32 \\(type 4\\)$`,
      ),
    );
  });

  test('a module for the other machine is refused', () => {
    const [other] = MACHINES.filter(([otherBits]) => otherBits !== bits);
    const built = readElf(driver(other?.[0] ?? '', other?.[4] ?? [], 'PC32'));
    const { ok, detail } = proveRelocations({ built, shipped, version: '6.1' });
    expect([ok, detail]).toEqual([
      false,
      expect.stringMatching(/^the new module is for .*, the guest’s for /),
    ]);
  });
});

function relocationsOfType(bytes: Buffer, wanted: number): number {
  const elf = readElf(bytes);
  return elf.sections.flatMap((section) => relocationsOf(elf, section)).filter(({ type }) => type === wanted)
    .length;
}

const CODE = '.text\n.globl f\n.type f,@function\nf: ret\n.size f,.-f\n';

/** Assembler that a loader of 2.6 does not know, and what the message must name. */
const FOREIGN: readonly (readonly [name: string, bits: string, text: string, says: RegExp])[] = [
  [
    'a table of global offsets',
    '-m64',
    `${CODE} mov x@GOTPCREL(%rip), %rax`,
    /R_X86_64_REX_GOTPCRELX \(type 42\) at \.text\+0x4/,
  ],
  ['the same on i386', '-m32', `${CODE} mov x@GOT(%ebx), %eax`, /R_386_GOT32X \(type 43\) at \.text\+0x3/],
  ['a distance of 64 bits', '-m64', `${CODE} .quad x - .`, /R_X86_64_PC64 \(type 24\) at \.text\+0x1/],
  ['an address of 16 bits', '-m32', `${CODE} .word x`, /R_386_16 \(type 20\) at \.text\+0x1/],
  [
    'data of a thread',
    '-m64',
    '.section .tdata,"awT"\nt: .long 0',
    /SHF_TLS \(section flag 0x400\) at section \.tdata/,
  ],
  [
    'a group',
    '-m32',
    `${CODE}.section .text.x,"axG",@progbits,x,comdat\nx: ret`,
    /SHT_GROUP \(section type 0x11\) at section \.group/,
  ],
  [
    'sections left out by a linker',
    '-m64',
    `${CODE}.section .out,"e"\n.long 0`,
    /SHF_EXCLUDE \(section flag 0x80000000\)/,
  ],
  [
    'sections in the order of others',
    '-m64',
    `${CODE}.section .ordered,"ao",@progbits,.text\n.long 0`,
    /SHF_LINK_ORDER/,
  ],
  [
    'an indirect function',
    '-m64',
    '.globl i\n.type i,@gnu_indirect_function\ni: ret',
    /STT_GNU_IFUNC \(symbol type 0xa\) at symbol \d+ \(i\)/,
  ],
  [
    'a unique symbol',
    '-m32',
    '.data\n.globl u\n.type u,@gnu_unique_object\nu: .long 0',
    /STB_GNU_UNIQUE \(symbol binding 0xa\)/,
  ],
  ['a common symbol', '-m32', `${CODE}.comm c,4`, /a common symbol \(SHN_COMMON\) at symbol \d+ \(c\)/],
  [
    'more than a page of alignment',
    '-m64',
    '.data\n.p2align 13\n.long 0',
    /an alignment of 8192 bytes at section \.data/,
  ],
  [
    'marks for indirect branches',
    '-m64',
    '.section .note.gnu.property,"a",@note\n.p2align 3\n.long 4,16,5\n.asciz "GNU"\n.long 0xc0000002,4,3,0',
    /a loaded note \.note\.gnu\.property/,
  ],
  [
    'a note of somebody’s own',
    '-m32',
    '.section .note.mine,"a",@note\n.long 4,4,1\n.asciz "OWN"\n.long 0',
    /a loaded note \.note\.mine/,
  ],
  ['a list of functions to call', '-m64', '.section .init_array,"aw",@init_array\n.quad 0', /SHT_INIT_ARRAY/],
];

describe('what kernels before 4.16 do not know is refused in the new module, and passes where the guest’s has it:', () => {
  test.each(FOREIGN)('%s (%s)', (_name, bits, text, says) => {
    const built = readElf(assembled(text, bits));
    const shipped = readElf(assembled(CODE, bits));
    const refused = proveRelocations({ built, shipped, version: '2.6.18' });
    expect([refused.ok, refused.detail]).toEqual([false, expect.stringMatching(says)]);
    expect(proveRelocations({ built, shipped: built, version: '2.6.18' }).ok).toBe(true);
    expect(proveRelocations({ built: shipped, shipped: built, version: '2.6.18' }).ok).toBe(true);
  });

  test.each([
    [
      'addends in the table, which i386’s loader refuses',
      32,
      3,
      4,
      /SHT_RELA \(section type 4\) at section \.rel\.text/,
    ],
    [
      'addends in the place, which x86-64’s loader refuses',
      64,
      62,
      9,
      /SHT_REL \(section type 9\) at section \.rel\.text/,
    ],
  ] as const)('%s', (_name, bits, machine, type, says) => {
    const entrySize = (bits / 8) * (type === 4 ? 3 : 2);
    const table = Buffer.alloc(entrySize);
    table[bits === 64 ? 8 : 4] = 1;
    const file = withFlags(
      buildElf({
        ...{ bits, machine, little: true },
        sections: [
          { name: '.text', content: Buffer.alloc(8) },
          { name: '.rel.text', type, content: table, info: 1, link: 3, entrySize },
        ],
        symbols: [{ name: 'f', section: 1 }],
      }),
      bits,
    );
    const shipped = readElf(assembled(CODE, bits === 64 ? '-m64' : '-m32'));
    const { ok, detail } = proveRelocations({ built: readElf(file), shipped, version: '2.6.18' });
    expect([ok, detail]).toEqual([false, expect.stringMatching(says)]);
  });

  // As ld -r does not write it, or not of every age: the flag alone is what a loader sees.
  test.each([
    ['a compressed section', 0x800, /SHF_COMPRESSED \(section flag 0x800\) at section \.debug_x/],
    [
      'a section kept for a linker',
      0x200000,
      /SHF_GNU_RETAIN \(section flag 0x200000\) at section \.debug_x/,
    ],
    ['a section of the large model', 0x10000000, /SHF_X86_64_LARGE/],
    ['a flag without a name', 0x8000, /section flag 0x8000 at section \.debug_x/],
  ])('%s', (_name, flag, says) => {
    const shipped = assembled(`${CODE}.section .debug_x,"",@progbits\n.fill 4096,1,65\n`, '-m64');
    const at = readElf(shipped).sections.find(({ name }) => name === '.debug_x')?.index ?? 0;
    const file = Buffer.from(shipped);
    file.writeUInt32LE(flag, Number(file.readBigUInt64LE(40)) + 64 * at + 8);
    const built = readElf(file);
    const { ok, detail } = proveRelocations({ built, shipped: readElf(shipped), version: '6.1' });
    expect([ok, detail]).toEqual([false, expect.stringMatching(says)]);
    expect(proveRelocations({ built, shipped: built, version: '6.1' }).ok).toBe(true);
  });
});

/** Marks the first section as loaded. */
function withFlags(file: Buffer, bits: 32 | 64): Buffer {
  const headers = bits === 64 ? Number(file.readBigUInt64LE(40)) : file.readUInt32LE(32);
  file.writeUInt32LE(6, headers + (bits === 64 ? 64 : 40) + 8);
  return file;
}

test('each row of the table says since when, and from where that is known; none is there twice', () => {
  const rows = KNOWN_FEATURES.flatMap(({ keys: known, machine, since, source }) =>
    known.map((key) => ({ id: `${machine ?? 'all'} ${key}`, since, source })),
  );
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
  for (const { since, source } of rows) {
    expect(since).toMatch(/^\d+\.\d+(\.\d+)?$/);
    expect(source.length).toBeGreaterThan(40);
  }
  expect(kernelKnows(40, 'relocation 2', '6.1')).toBe(false);
});

describe('whatever is changed in a module,', () => {
  const samples = MACHINES.flatMap(([bits, , , , flags]) => [
    driver(bits, flags, 'PLT32', 2),
    driver(bits, flags, 'PC32', 2),
  ]);
  const shipped = samples.map((bytes) => readElf(bytes));

  /** Bytes of all relocation tables, of the headers and of the symbols, where a change tells most. */
  const places = samples.map((bytes) => {
    const elf = readElf(bytes);
    const tables = elf.sections.filter(({ type }) => [2, 4, 9].includes(type));
    const wide = elf.class === 64;
    const headers = wide ? Number(bytes.readBigUInt64LE(40)) : bytes.readUInt32LE(32);
    return [
      ...tables.flatMap(({ offset, size }) => [...Array(size).keys()].map((at) => offset + at)),
      ...[...Array(elf.sections.length * (wide ? 64 : 40)).keys()].map((at) => headers + at),
      ...Array(wide ? 64 : 52).keys(),
    ];
  });
  const changes = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 4, 9, 255))), {
    minLength: 1,
    maxLength: 12,
  });
  const mutation = fc.tuple(fc.nat(samples.length - 1), changes);

  function mutated([which, writes]: [number, [number, number][]]): Buffer {
    const bytes = Buffer.from(samples[which] ?? Buffer.alloc(0));
    const where = places[which] ?? [];
    for (const [place, value] of writes) bytes[where[place % where.length] ?? 0] = value;
    return bytes;
  }

  /** What an act gives, or undefined where it refuses in the words of E_CANNOT_DECIDE. */
  function orRefused<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      if (isFailure(error) && error.failure.code === 'E_CANNOT_DECIDE') return undefined;
      throw error;
    }
  }

  test('the proof answers in words, or refuses in words', () => {
    const seen = { held: 0, failed: 0, refused: 0 };
    fc.assert(
      fc.property(mutation, (change) => {
        const bytes = mutated(change);
        const [which] = change;
        const theirs = shipped[which] ?? readElf(bytes);
        const proof = orRefused(() =>
          proveRelocations({ built: readElf(bytes), shipped: theirs, version: '2.6.18' }),
        );
        seen[proof === undefined ? 'refused' : proof.ok ? 'held' : 'failed'] += 1;
        if (proof === undefined) return;
        expect(proof.detail).toMatch(
          proof.ok ? /as in the guest’s module|all known to/ : /the guest’s module has none|the guest’s for/,
        );
        // What holds uses nothing that the kernel would meet for the first time.
        if (proof.ok)
          for (const key of keys(readElf(bytes)))
            expect(keys(theirs).includes(key) || kernelKnows(theirs.machine, key, '2.6.18')).toBe(true);
      }),
      { numRuns: 2000 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
  });

  test('the edit changes types of branches alone, or refuses in words', () => {
    let edited = 0;
    fc.assert(
      fc.property(mutation, (change) => {
        const bytes = mutated(change);
        const result = orRefused(() => plainBranches(bytes));
        if (result === undefined) return;
        expect(result.bytes.length).toBe(bytes.length);
        const changed = [...bytes.keys()].filter((at) => bytes[at] !== result.bytes[at]);
        expect(changed).toHaveLength(result.edited);
        if (changed.length === 0) return;
        const elf = readElf(bytes);
        const entries = new Set(
          elf.sections.flatMap((section) => relocationsOf(elf, section)).map(({ entryAt }) => entryAt),
        );
        for (const at of changed) {
          expect([bytes[at], result.bytes[at]]).toEqual([4, 2]);
          expect(entries.has(at - (elf.class === 64 ? 8 : 4))).toBe(true);
        }
        edited += result.edited;
      }),
      { numRuns: 2000 },
    );
    expect(edited).toBeGreaterThan(0);
  });
});
