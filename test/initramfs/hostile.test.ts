import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isFailure } from '../../src/errors.ts';
import { type ReadOptions, readInitramfs } from '../../src/initramfs/read.ts';
import { LIMITS } from '../../src/limits.ts';
import { failureOf, sh, temporary } from '../machine/temporary.ts';
import { archive, content, machine, newc, PACKERS, through, trailer } from './images.ts';

const wanted = (path: string): boolean => path.endsWith('mptscsih.ko');

async function refused(image: Buffer, options: Partial<ReadOptions> = {}): Promise<string> {
  const folder = await temporary({ image });
  const path = join(folder, 'image');
  const { code, what } = await failureOf(readInitramfs(machine, path, { wanted, ...options }));
  expect([code, what.startsWith(`${path} cannot be read as an initramfs, at offset `)]).toEqual([
    'E_INITRAMFS',
    true,
  ]);
  return what.slice(path.length + ' cannot be read as an initramfs, at offset '.length);
}

describe('an image that is cut is refused wherever it is cut:', () => {
  test.each(Object.entries({ none: undefined, ...PACKERS }))('%s', async (_, packer) => {
    const { folder } = await content();
    const plain = archive(folder);
    // cpio fills up to a block after the trailer: what is cut there is not missed.
    const end = plain.lastIndexOf('TRAILER!!!') + 10;
    const image = packer === undefined ? plain.subarray(0, end) : await through(plain, packer);
    for (const part of [0.1, 0.5, 0.9]) await refused(image.subarray(0, Math.floor(image.length * part)));
    if (packer === undefined) await refused(image.subarray(0, image.length - 3));
  });

  test('in the second of two parts, whose offset it says', async () => {
    const { folder } = await content();
    const early = Buffer.concat([newc('early', 'x'), trailer()]);
    const main = await through(archive(folder), PACKERS.xz);
    expect(await refused(Buffer.concat([early, main.subarray(0, -100)]))).toMatch(
      new RegExp(`^${early.length}: its xz data is damaged or truncated: `),
    );
  });
});

describe('damaged packed data', () => {
  test.each(Object.entries(PACKERS))('%s', async (compression, packer) => {
    const { folder } = await content();
    const image = await through(archive(folder), packer);
    // The middle: each format but lzma and legacy lz4 has checksums, and these run out of step.
    const middle = Math.floor(image.length / 2);
    image.fill(0xff, middle, middle + 40);
    expect(await refused(image)).toMatch(new RegExp(`^0: .*(${compression}|archive)`));
  });

  test('behind much else: the program that ends early is no trouble', async () => {
    const { folder } = await content();
    const early = Buffer.concat([newc('early', 'x'), trailer()]);
    const main = await through(archive(folder), PACKERS.xz);
    main.fill(0, 12, 200);
    await refused(Buffer.concat([early, main, Buffer.alloc(20_000_000, 1)]));
  });
});

describe('what is no initramfs', () => {
  test('an empty file, zeros, a text, an ELF file', async () => {
    expect(await refused(Buffer.alloc(0))).toBe('0: it is empty');
    expect(await refused(Buffer.alloc(5000))).toBe('0: it holds only zeros');
    expect(await refused(Buffer.from('no initramfs'))).toContain(
      'neither a cpio archive nor compressed data',
    );
    expect(await refused(Buffer.from('\u007fELF'))).toContain('neither a cpio archive nor compressed data');
    expect(await refused(await through(Buffer.from('a text of some length'), PACKERS.gzip))).toBe(
      '0: what it decompresses to is not a cpio archive',
    );
    expect(await refused(await through(Buffer.alloc(0), PACKERS.gzip))).toContain(
      'it decompresses to nothing',
    );
  });

  test('a file system of an older kernel that is not ext2, plain and packed', async () => {
    const folder = await temporary({ 'content/linuxrc': 'x' });
    sh('genromfs -d "$1/content" -f "$1/fs"', folder);
    const image = await machine.read(join(folder, 'fs'), LIMITS.moduleBytes);
    for (const each of [image, await through(Buffer.concat([image, Buffer.alloc(2048)]), PACKERS.gzip)]) {
      expect(await refused(each)).toBe(
        '0: format romfs, a file system image of older kernels: mptfix cannot read it here',
      );
    }
  });

  test('a terabyte of nothing is refused, not read', async () => {
    const folder = await temporary({ image: '' });
    truncateSync(join(folder, 'image'), 2 ** 40);
    const { code } = await failureOf(readInitramfs(machine, join(folder, 'image'), { wanted }));
    expect(code).toBe('E_INITRAMFS');
  });
});

describe('a hostile archive:', () => {
  const huge = 0xffff_ffff;
  test.each([
    ['a name that leads out', [newc('../../etc/passwd', 'x'), trailer()], 'leads out of the image'],
    ['a name that leads out from within', [newc('lib/../../x', 'x'), trailer()], 'leads out of the image'],
    ['a size beyond the end', [newc('a', 'x', { size: huge }), trailer()], 'is truncated'],
    ['a name beyond all', [newc('a', 'x', { nameSize: huge }), trailer()], `a name of ${huge} bytes`],
    ['no name', [newc('a', 'x', { nameSize: 0 }), trailer()], 'a name of 0 bytes'],
    ['a name that ends before', [newc('a\0b', 'x'), trailer()], 'whose length is wrong'],
    [
      'a link to everything',
      [newc('a', '', { mode: 0o120777, size: huge }), trailer()],
      'a symbolic link of',
    ],
    [
      'a module larger than any',
      [newc('mptscsih.ko', '', { size: huge }), trailer()],
      `a module of ${huge} bytes`,
    ],
    ['no numbers', [Buffer.from(`070701${'x'.repeat(104)}`)], 'something other than numbers'],
    ['no trailer', [newc('a', 'x')], 'is truncated'],
    ['a torn header', [newc('a', 'x'), Buffer.from('0707')], 'is truncated'],
    ['junk between entries', [newc('a', 'x'), Buffer.from('junkjunkjunk')], 'no cpio header'],
    [
      'junk after the trailer',
      [newc('a', 'x'), trailer(), Buffer.from('junkjunkjunk')],
      'neither a cpio archive',
    ],
  ])('%s', async (_, parts, why) => {
    expect(await refused(Buffer.concat(parts), { keepUpTo: 1e6 })).toContain(why);
  });

  test('a wrong checksum', async () => {
    const { folder } = await content();
    const image = archive(folder, 'crc');
    const at = image.indexOf('\u007fELF');
    image.writeUInt8(image.readUInt8(at + 20) ^ 1, at + 20);
    expect(await refused(image)).toContain('a file whose checksum is wrong');
  });

  test.each(['gzip', 'zstd', 'xz'] as const)('one that unpacks to far more than any: %s', async (packer) => {
    const bomb = Buffer.concat([newc('a', '', { size: 30_000_000 }), Buffer.alloc(30_000_000)]);
    const image = await through(bomb, PACKERS[packer]);
    const limits = { packed: 1e9, unpacked: 10_000_000 };
    expect(await refused(image, { limits })).toContain('it decompresses to more than 10000000 bytes');
  });
});

test('whatever is changed in an image, it is read or refused in words', async () => {
  const { folder } = await content();
  const early = Buffer.concat([newc('early', 'x'), trailer()]);
  const plain = archive(folder);
  const images = [
    plain,
    Buffer.concat([early, await through(plain, PACKERS.gzip)]),
    archive(folder, 'odc'),
    archive(folder, 'bin'),
  ];
  const place = await temporary();
  const path = join(place, 'image');
  const change = fc.record({
    image: fc.nat(images.length - 1),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    byte: fc.integer({ min: 0, max: 255 }),
    cut: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const changed = Buffer.concat(
        changes.map(({ image, at, byte, cut }) => {
          const whole = images[image] ?? plain;
          const copy = Buffer.from(whole.subarray(0, Math.ceil(whole.length * cut)));
          if (copy.length > 0) copy.writeUInt8(byte, Math.floor((copy.length - 1) * at));
          return copy;
        }),
      );
      writeFileSync(path, changed);
      const outcome = await readInitramfs(machine, path, { wanted }).then(
        () => 'read',
        (error: unknown) => (isFailure(error) ? error.failure.code : error),
      );
      expect(['read', 'E_INITRAMFS']).toContain(outcome);
    }),
    { numRuns: 300 },
  );
});
