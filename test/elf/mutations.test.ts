import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareData, compareFunctions, compareSection } from '../../src/elf/compare.ts';
import { readElf } from '../../src/elf/elf.ts';
import { featuresOf } from '../../src/elf/features.ts';
import { buildId, exportsOf, modinfo, moduleName, moduleVersions } from '../../src/elf/module-data.ts';
import { moduleSignature } from '../../src/elf/signature.ts';
import { isFailure } from '../../src/errors.ts';
import { buildElf, type ElfPlan } from './elf-builder.ts';

/** A module with one of everything that is read. */
function sample(
  bits: 32 | 64,
  little: boolean,
  addends: 'in the table' | 'in place' = 'in the table',
): Buffer {
  const inTable = addends === 'in the table';
  const entry = (bits / 8) * (inTable ? 3 : 2);
  const plan: ElfPlan = {
    bits,
    little,
    machine: bits === 64 ? 62 : 3,
    sections: [
      { name: '.text', content: Buffer.from('e8000000009090c3e8f0ffffffc3', 'hex') },
      {
        name: '.rela.text',
        type: inTable ? 4 : 9,
        content: Buffer.alloc(entry, 1),
        info: 1,
        link: 7,
        entrySize: entry,
      },
      { name: '.modinfo', content: Buffer.from('name=mptscsih\0vermagic=6.1 SMP\0') },
      { name: '__versions', content: Buffer.alloc(128, 'printk\0\0') },
      {
        name: '.note.gnu.build-id',
        type: 7,
        content: Buffer.from('040000000400000003000000474e550012345678', 'hex'),
      },
      { name: '__ksymtab', content: Buffer.alloc(16) },
    ],
    symbols: [
      { name: 'f', size: 8, section: 1 },
      { name: 'g', value: 8n, size: 6, section: 1 },
      { name: '__ksymtab_f', section: 6 },
      { name: 'printk' },
    ],
  };
  return buildElf(plan);
}

const SAMPLES = [
  ...[sample(64, true), sample(64, false), sample(32, true), sample(32, false)],
  ...[sample(32, true, 'in place'), sample(32, false, 'in place'), sample(64, true, 'in place')],
];
const WORDS = [
  '00',
  'ff',
  '7fffffff',
  'ffffffff',
  '80000000',
  '00000001',
  'ffffffffffffff7f',
  '0000100000000000',
];
const changes = fc.array(fc.tuple(fc.nat(), fc.constantFrom(...WORDS)), { minLength: 1, maxLength: 8 });

test('a module that is changed anywhere is read, or refused by E_CANNOT_DECIDE', () => {
  let read = 0;
  fc.assert(
    fc.property(fc.constantFrom(...SAMPLES), changes, fc.nat(), (original, writes, cut) => {
      const bytes = Buffer.from(original);
      for (const [place, word] of writes) bytes.write(word, place % bytes.length, 'hex');
      try {
        const elf = readElf(cut % 5 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes);
        for (const ask of [
          featuresOf,
          modinfo,
          moduleName,
          moduleVersions,
          exportsOf,
          buildId,
          moduleSignature,
        ])
          ask(elf);
        for (const { name } of elf.sections)
          expect([compareSection(elf, elf, name), compareData(elf, elf, name)]).toEqual(['same', 'same']);
        expect(compareFunctions(elf, elf)).toEqual({ changed: [], onlyFirst: [], onlySecond: [] });
        read += 1;
      } catch (error) {
        if (!isFailure(error) || error.failure.code !== 'E_CANNOT_DECIDE') throw error;
      }
    }),
    { numRuns: 3000 },
  );
  expect(read).toBeGreaterThan(0);
});
