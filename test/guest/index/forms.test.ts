import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBinaryIndex } from '../../../src/guest/index/binary.ts';
import {
  formOf,
  INDEX_FORMS,
  type IndexFiles,
  indexedFiles,
  indexForm,
} from '../../../src/guest/index/forms.ts';
import { MODULES, smallGuest } from '../../install/small-guest.ts';
import { type Entry, writtenBinary, writtenText } from './written.ts';

const FOLDER = '/lib/modules/2.6.18-8.el5';
const FUSION = 'kernel/drivers/message/fusion';
const DRIVER: Entry = {
  file: `${FUSION}/mptscsih.ko`,
  needs: [`${FUSION}/mptbase.ko`, 'kernel/drivers/scsi/scsi_mod.ko'],
};
const ENTRIES: readonly Entry[] = [
  { file: 'kernel/fs/ext3/ext3.ko', needs: ['kernel/fs/jbd/jbd.ko'] },
  { file: `${FUSION}/mptbase.ko`, needs: [] },
  DRIVER,
  { file: `${FUSION}/mptspi.ko`, needs: [DRIVER.file, ...DRIVER.needs] },
];

/** What each generation of depmod writes. */
const WRITES: Readonly<
  Record<(typeof INDEX_FORMS)[number]['id'], (entries: readonly Entry[]) => IndexFiles>
> = {
  modutils: (entries) => files(writtenText(entries, { prefix: `${FOLDER}/`, wraps: true })),
  'm-i-t-3.0': (entries) => files(writtenText(entries, { prefix: `${FOLDER}/` })),
  'm-i-t-3.5': (entries) =>
    files(writtenText(entries, { prefix: `${FOLDER}/` }), writtenBinary(0, entries, `${FOLDER}/`)),
  'm-i-t-3.6': (entries) => files(writtenText(entries), writtenBinary(1, entries)),
  'm-i-t-3.7': (entries) => files(writtenText(entries), writtenBinary(2, entries)),
  kmod: (entries) => files(writtenText(entries), writtenBinary(2, entries)),
};

function files(text: string | undefined, binary?: Buffer): IndexFiles {
  return { folder: FOLDER, text, binary };
}

const whole = ({ file, needs }: Entry) => ({
  file: `${FOLDER}/${file}`,
  needs: needs.map((name) => `${FOLDER}/${name}`),
});

describe('each modprobe reads what its own depmod writes:', () => {
  test.each(INDEX_FORMS.map((form) => [form.name, form] as const))('%s', (_, form) => {
    for (const entry of ENTRIES) {
      const name = entry.file.split('/').at(-1)?.replace('.ko', '') ?? '';
      expect(form.read(WRITES[form.id](ENTRIES), name)).toEqual(whole(entry));
    }
    expect(form.read(WRITES[form.id](ENTRIES), 'mptsas')).toMatchObject({
      problem: expect.stringContaining('does not list mptsas'),
    });
  });

  test('of any modules', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
    const folder = fc.constantFrom('kernel/fs', 'kernel/drivers/scsi', 'updates', 'extra/x.y');
    const index = fc
      .uniqueArray(word, { minLength: 1, maxLength: 12, selector: (name) => name.replaceAll('-', '_') })
      .chain((names) =>
        fc.tuple(
          ...names.map((name) =>
            fc.record({
              file: folder.map((place) => `${place}/${name}.ko`),
              needs: fc
                .subarray(names.filter((other) => other !== name))
                .map((some) => some.map((other) => `kernel/${other}.ko`)),
            }),
          ),
        ),
      );
    fc.assert(
      fc.property(index, fc.constantFrom(...INDEX_FORMS), (entries, form) => {
        const written = WRITES[form.id](entries);
        for (const entry of entries) {
          const name = entry.file.split('/').at(-1)?.replace(/\.ko$/, '') ?? '';
          expect(form.read(written, name)).toEqual(whole(entry));
        }
        expect([...indexedFiles(written.text ?? '')]).toHaveLength(entries.length);
      }),
    );
  });
});

/** Seen with the real programs, each over the index of the others' depmods. */
describe('a modprobe over the index of another depmod', () => {
  test.each([
    ['m-i-t-3.0', 'kmod', /would open "kernel\/.*mptscsih\.ko" as it stands/],
    ['modutils', 'kmod', /would open "kernel\/.*mptscsih\.ko" as it stands/],
    ['m-i-t-3.5', 'kmod', /modules\.dep\.bin is none that it can read/],
    ['m-i-t-3.6', 'kmod', /modules\.dep\.bin is none that it can read/],
    ['kmod', 'm-i-t-3.6', /modules\.dep\.bin is none that it can read/],
    ['kmod', 'm-i-t-3.0', /there is no modules\.dep\.bin/],
    ['m-i-t-3.0', 'm-i-t-3.6', /as it stands/],
  ] as const)('%s does not find the driver in that of %s', (reads, wrote, words) => {
    expect(indexForm(reads).read(WRITES[wrote](ENTRIES), 'mptscsih')).toEqual({
      problem: expect.stringMatching(words),
    });
  });

  test.each([
    ['m-i-t-3.0', 'm-i-t-3.5'],
    ['m-i-t-3.5', 'm-i-t-3.0'],
    ['m-i-t-3.6', 'm-i-t-3.0'],
    ['m-i-t-3.7', 'm-i-t-3.6'],
    ['m-i-t-3.7', 'kmod'],
    ['kmod', 'm-i-t-3.7'],
  ] as const)('%s finds it in that of %s', (reads, wrote) => {
    expect(indexForm(reads).read(WRITES[wrote](ENTRIES), 'mptscsih')).toEqual(whole(DRIVER));
  });
});

describe('the text', () => {
  const read = (text: string, name = 'mptscsih', id: Parameters<typeof indexForm>[0] = 'm-i-t-3.0') =>
    indexForm(id).read(files(text), name);
  const path = `${FOLDER}/${DRIVER.file}`;

  test('counts with its first line of that name, and no comment', () => {
    expect(read(`# ${path}: /x.ko\n${path}:\n/other/mptscsih.ko:\n`)).toEqual({ file: path, needs: [] });
  });

  test('takes a dash for an underscore, and a name to its first dot', () => {
    expect(read('/m/scsi-mod.ko.gz: /m/a.ko\n', 'scsi_mod')).toEqual({
      file: '/m/scsi-mod.ko.gz',
      needs: ['/m/a.ko'],
    });
    expect(read('/m/mptscsih2.ko:\n')).toMatchObject({ problem: expect.stringContaining('does not list') });
  });

  test('with one needed file that is no whole path is of no use to an old modprobe', () => {
    expect(read(`${path}: /m/a.ko kernel/b.ko\n`)).toMatchObject({
      problem: expect.stringContaining('"kernel/b.ko"'),
    });
    expect(read(`${path}: /m/a.ko kernel/b.ko\n`, 'mptscsih', 'm-i-t-3.7')).toEqual({
      file: path,
      needs: ['/m/a.ko', `${FOLDER}/kernel/b.ko`],
    });
  });

  test('of modutils is joined after a backslash, and ends at a #', () => {
    expect(read(`${path}:\t/m/a.o \\\n\t/m/b.o   # why\n\n`, 'mptscsih', 'modutils')).toEqual({
      file: path,
      needs: ['/m/a.o', '/m/b.o'],
    });
  });

  test('that is made to be slow is read in a moment', () => {
    const text = `${'x\\\n'.repeat(2_000_000)}${path}:\n`;
    for (const id of ['modutils', 'm-i-t-3.0'] as const)
      expect(read(text, 'mptscsih', id)).toHaveProperty('problem');
  });
});

describe('the binary index', () => {
  test('of real depmod says what its text says', async () => {
    const guest = await smallGuest();
    const at = (name: string) => join(guest.root, MODULES, name);
    const index = readBinaryIndex(readFileSync(at('modules.dep.bin')));
    expect(index?.major).toBe(2);
    const lines = readFileSync(at('modules.dep'), 'utf8').trim().split('\n');
    expect([...(index?.values ?? [])].flatMap(([, values]) => values).sort()).toEqual(lines.sort());
    expect(lines).toHaveLength(2);
  });

  test('that is cut short, damaged or endless is none, and costs no more than a moment', () => {
    const sound = writtenBinary(2, ENTRIES);
    expect(readBinaryIndex(sound)).not.toBe(undefined);
    for (let length = 0; length < sound.length; length += 1)
      expect(() => readBinaryIndex(sound.subarray(0, length))).not.toThrow();
    expect(readBinaryIndex(sound.subarray(0, 20))).toBe(undefined);
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(sound);
        damaged[at] = byte;
        readBinaryIndex(damaged);
      }),
    );
    // A node whose children are all itself.
    const circle = Buffer.alloc(12 + 2 + 4 * 128);
    circle.writeUInt32BE(0xb007f457, 0);
    circle.writeUInt32BE(0x00020001, 4);
    circle.writeUInt32BE(0x2000000c, 8);
    circle[13] = 127;
    for (let at = 14; at < circle.length; at += 4) circle.writeUInt32BE(0x2000000c, at);
    expect(readBinaryIndex(circle)).toBe(undefined);
  });
});

test('a version has the form of the newest row that it reaches', () => {
  const ids = [
    '0.9.14',
    '3.0-pre10',
    '3.1-pre5',
    '3.3-pre2',
    '3.4.1',
    '3.5',
    '3.6',
    '3.7-pre9',
    '3.16',
    '9-3',
  ].map((version) => formOf('module-init-tools', version)?.id);
  const old = 'm-i-t-3.0';
  expect(ids).toEqual([
    old,
    old,
    old,
    old,
    old,
    'm-i-t-3.5',
    'm-i-t-3.6',
    'm-i-t-3.7',
    'm-i-t-3.7',
    'm-i-t-3.7',
  ]);
  expect([formOf('kmod', '30')?.id, formOf('modutils', '2.4.27')?.id, formOf('kmod', 'x')]).toEqual([
    'kmod',
    'modutils',
    undefined,
  ]);
  expect(INDEX_FORMS.filter(({ isOurs }) => isOurs).map(({ id }) => id)).toEqual(['m-i-t-3.7', 'kmod']);
});
