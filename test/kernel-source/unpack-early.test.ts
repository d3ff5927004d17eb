import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { unpackDriver } from '../../src/kernel-source/unpack.ts';
import type { Target } from '../../src/machine/port.ts';
import { type Entries, failureOf, sh, temporary } from '../machine/temporary.ts';
import { gitArchive, packed, withDecoders } from './packed.ts';
import { FUSION, kernelTree, TOP, text } from './xz/packed-tree.ts';

const NOISE = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => (at * at * 2654435761) >>> 24));
const TREE: Entries = { ...kernelTree(), [`${TOP}/tools/large`]: NOISE };
/** By the program that packed it: the decoders that may be installed for it. */
const PACKERS: readonly (readonly [string, readonly string[]])[] = [
  ['bzip2 -1', ['lbzip2', 'pbzip2']],
  ['pbzip2 -1q', ['lbzip2', 'pbzip2']],
  ['gzip -1', ['pigz']],
  ['xz -0 --block-size=100000', ['xz']],
  ['zstd -1q', []],
];
let made: Buffer | undefined;
/** A tar of git's that each test may change. */
async function gitTar(): Promise<string> {
  made ??= readFileSync(await gitArchive(TREE, `${TOP}/`));
  const path = join(await temporary(), 'linux.tar');
  writeFileSync(path, made);
  return path;
}

/** The driver, and how much of the tar was read for it. */
async function read(path: string, on: Target) {
  let bytes = 0;
  const progress = {
    note: () => {},
    bytes: (done: number) => {
      bytes = Math.max(bytes, done);
    },
  };
  const { files, makefile, folder } = await unpackDriver(on, path, { progress });
  return {
    bytes,
    found: { files: [...files].map(([name, content]) => [name, content.toString()]), makefile, folder },
  };
}

/** The same tar as if another program had made it: git's own header is of another kind. */
function unmarked(path: string): string {
  const bytes = readFileSync(path);
  bytes.write(' Comment=', bytes.indexOf(' comment='), 'latin1');
  writeFileSync(`${path}.plain`, bytes);
  return `${path}.plain`;
}

describe('of what git has written, nothing behind the driver is read:', () => {
  for (const [packer, parallel] of PACKERS) {
    test.each([[[]], ...parallel.map((name) => [[name]])])(`${packer}, with %j`, async (names) => {
      const tar = await gitTar();
      const whole = await read(unmarked(tar), withDecoders(names));
      const early = await read(packed(tar, packer, '.packed'), withDecoders(names));
      expect(early.found).toEqual(whole.found);
      expect(early.found.files.length).toBe(7);
      expect([whole.bytes > NOISE.length, early.bytes < NOISE.length]).toEqual([true, true]);
    });
  }

  test('a plain tar', async () => {
    const early = await read(await gitTar(), withDecoders([]));
    expect([early.found.files.length, early.bytes < NOISE.length]).toEqual([7, true]);
  });
});

describe('damage', () => {
  for (const [packer, parallel] of PACKERS.filter(([name]) => !name.startsWith('xz'))) {
    test.each([[[]], ...parallel.map((name) => [[name]])])(
      `${packer}, with %j: counts before the driver’s end alone`,
      async (names) => {
        const path = packed(await gitTar(), packer, '.cut');
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.subarray(0, -1000));
        expect((await read(path, withDecoders(names))).found.files.length).toBe(7);
        writeFileSync(path, bytes.subarray(0, 5000));
        expect((await failureOf(read(path, withDecoders(names)))).code).toBe('E_ARCHIVE_TRUNCATED');
      },
    );
  }

  test('a plain tar that is cut anywhere: all of the driver, or an error', async () => {
    const tar = await gitTar();
    const { found } = await read(tar, withDecoders([]));
    const bytes = readFileSync(tar);
    const end = bytes.indexOf(`${TOP}/drivers/message/other/`);
    for (const at of [end - 20_000, end - 5000, end - 512, end - 1, end, end + 511, end + 512, end + 600]) {
      writeFileSync(`${tar}.cut`, bytes.subarray(0, at));
      const outcome = await read(`${tar}.cut`, withDecoders([])).then(
        (early) => early.found,
        (error) => error.failure.code,
      );
      expect(outcome).toEqual(at < end + 512 ? 'E_ARCHIVE_TRUNCATED' : found);
    }
  });

  test('a file that leads out is refused before the driver’s end, and not looked for behind it', async () => {
    const tar = await gitTar();
    const bytes = readFileSync(tar);
    for (const [name, outcome] of [
      [`${TOP}/COPYING`, 'E_ARCHIVE_UNSAFE'],
      [`${TOP}/tools/large`, 'read'],
    ] as const) {
      const changed = Buffer.from(bytes);
      rename(changed, name, `${TOP}/../${'x'.repeat(name.length - TOP.length - 4)}`);
      writeFileSync(`${tar}.bad`, changed);
      const seen = read(`${tar}.bad`, withDecoders([])).then(
        () => 'read',
        (error) => error.failure.code,
      );
      expect(await seen).toBe(outcome);
    }
  });
});

describe('what is not git’s is read to its end, and a later copy counts:', () => {
  const newer = text('newer', 500);
  /** Adds a file to the end of a tar, as `tar -r` does. */
  const add = async (path: string, name: string, content: string): Promise<void> => {
    const tree = await temporary({ [name]: content });
    sh('cd "$1"; tar -rf "$2" "$3"', tree, path, name);
  };
  test('a driver’s file that was appended', async () => {
    const path = unmarked(await gitTar());
    await add(path, `${FUSION}/mptscsih.c`, newer);
    const { found } = await read(path, withDecoders([]));
    expect(new Map(found.files as [string, string][]).get('mptscsih.c')).toBe(newer);
  });

  test('a second tree behind the first one is refused', async () => {
    const path = unmarked(await gitTar());
    const second = FUSION.replace('linux-6.1', 'linux-9');
    await add(path, `${second}/mptscsih.c`, newer);
    expect((await failureOf(read(path, withDecoders([])))).what).toContain(second);
  });

  test('files that lie apart, of a folder that was packed unsorted', async () => {
    const path = await gitTar();
    sh(
      'cd "$1"; tar -xf "$2"; find . -type f | sed "s,^./,," | sort -r | tar -cf "$2" -T -',
      await temporary(),
      path,
    );
    expect((await read(path, withDecoders([]))).found.files.length).toBe(7);
  });
});

/** Gives an entry of a tar another name of the same length, with the checksum that belongs to it. */
function rename(bytes: Buffer, from: string, to: string): void {
  const at = bytes.indexOf(`${from}\0`);
  bytes.write(to, at, 'latin1');
  bytes.write('        ', at + 148, 'latin1');
  const sum = bytes.subarray(at, at + 512).reduce((all, byte) => all + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
}
