import { constants, linkSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CpioHeader, DamagedArchive } from '../../src/initramfs/cpio.ts';
import { readExt2 } from '../../src/initramfs/ext2.ts';
import { modulesInInitramfs } from '../../src/initramfs/module.ts';
import { readInitramfs } from '../../src/initramfs/read.ts';
import { LIMITS } from '../../src/limits.ts';
import { failureOf, put, sh, temporary } from '../machine/temporary.ts';
import { archive, compiledModule, machine, PACKERS, through } from './images.ts';

const RELEASE = '2.4.21-47.EL';
/** As many bytes as need a tree of trees of blocks, with blocks of 1 KiB. */
const LARGE = Buffer.from(Array.from({ length: 400_003 }, (_, index) => (index * 7 + (index >> 9)) & 255));

/** What an image of the time holds: nash, a linuxrc, devices, and the modules in /lib. */
async function content(module: Buffer): Promise<string> {
  const folder = await temporary({
    linuxrc: '#!/bin/nash\ninsmod /lib/mptscsih.o\n',
    'bin/nash': 'program',
    'bin/insmod': 'program',
    sbin: { link: 'bin' },
    'lib/mptbase.o': 'another',
    'lib/mptscsih.o': module,
    'lib/large.o': LARGE,
    'etc/deep/er/and/deeper/file': 'x',
    'sysroot/.keep': '',
  });
  symlinkSync('/'.padEnd(200, 'x'), join(folder, 'a-long-link'));
  linkSync(join(folder, 'bin/nash'), join(folder, 'bin/zash'));
  writeFileSync(join(folder, 'hole'), 'x');
  truncateSync(join(folder, 'hole'), 70_000);
  await put(folder, Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`dev/device-${at}`, ''])));
  return folder;
}

/** The image of a folder by the real mke2fs. */
async function ext2(folder: string, options = '-b 1024 -m 0', kilobytes = 4096): Promise<Buffer> {
  const out = await temporary();
  sh(`mke2fs -q -F ${options} -d "$1" "$2/fs" ${kilobytes}k`, folder, out);
  return readFileSync(join(out, 'fs'));
}

interface Seen extends CpioHeader {
  readonly bytes: Buffer;
}

function entries(image: Buffer): ReadonlyMap<string, Seen> {
  const seen = new Map<string, Seen>();
  readExt2(image, {
    entry: (header) => {
      const parts: Buffer[] = [];
      return {
        part: (bytes) => parts.push(Buffer.from(bytes)),
        end: () => seen.set(header.name, { ...header, bytes: Buffer.concat(parts) }),
      };
    },
    trailer: () => {},
  });
  return seen;
}

describe('an image as mke2fs makes it', () => {
  test.each([
    ['blocks of 1 KiB', '-b 1024 -m 0'],
    ['blocks of 4 KiB', '-b 4096'],
    ['the features of the time', '-b 1024 -O none,filetype,sparse_super -I 128'],
    ['no features', '-b 1024 -O none -I 128'],
    ['revision 0', '-b 1024 -r 0 -O none -I 128'],
    ['many groups', '-b 1024 -g 512 -N 600'],
  ])('%s: every name, mode, link and byte', async (_, options) => {
    const folder = await content(Buffer.from('module'));
    const seen = entries(await ext2(folder, options));
    const listed = sh('cd "$1"; find . -mindepth 1 -printf "%P %m %y\\n"', folder).trim().split('\n');
    const types = new Map([
      [constants.S_IFREG, 'f'],
      [constants.S_IFLNK, 'l'],
      [constants.S_IFDIR, 'd'],
    ]);
    const found = [...seen]
      .filter(([name]) => name !== 'lost+found')
      .map(
        ([name, { mode }]) => `${name} ${(mode & 0o7777).toString(8)} ${types.get(mode & constants.S_IFMT)}`,
      );
    expect(found.sort()).toEqual(listed.sort());
    for (const [name, { mode, bytes, links }] of seen) {
      if ((mode & constants.S_IFMT) === constants.S_IFREG)
        expect([name, bytes.equals(readFileSync(join(folder, name)))]).toEqual([name, true]);
      if (name.endsWith('ash')) expect(links).toBe(2);
    }
    expect(seen.get('sbin')?.bytes.toString()).toBe('bin');
    expect(seen.get('a-long-link')?.bytes.toString()).toBe('/'.padEnd(200, 'x'));
    expect(seen.get('bin/nash')?.inode).toBe(seen.get('bin/zash')?.inode);
  });

  test('whatever is in it: random folders come back as they were', async () => {
    const name = fc.stringMatching(/^[a-z]{1,8}$/);
    const file = fc.record({
      path: fc.array(name, { minLength: 1, maxLength: 4 }),
      size: fc.constantFrom(0, 1, 1023, 1024, 12_288, 12_289, 274_432, 274_433, 300_000),
      seed: fc.nat(255),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(file, { maxLength: 6 }), async (files) => {
        const wanted = new Map<string, Buffer>();
        for (const { path, size, seed } of files) {
          const place = path.map((part, at) => (at === path.length - 1 ? `f${part}` : `d${part}`)).join('/');
          wanted.set(place, Buffer.alloc(size, seed));
        }
        const folder = await temporary(Object.fromEntries(wanted));
        const seen = entries(await ext2(folder));
        const found = [...seen].filter(([, { mode }]) => (mode & constants.S_IFMT) === constants.S_IFREG);
        expect(found.map(([path]) => path).sort()).toEqual([...wanted.keys()].sort());
        for (const [path, { bytes }] of found) expect(bytes.equals(wanted.get(path) ?? LARGE)).toBe(true);
      }),
      { numRuns: 12 },
    );
  });
});

describe('an initial ramdisk of the time', () => {
  test.each([
    ['as it is', undefined],
    ['packed', PACKERS.gzip],
  ])('%s: tells which driver is in it, and all modules and programs', async (_, packer) => {
    const module = await compiledModule();
    const plain = await ext2(await content(module));
    const image = packer === undefined ? plain : await through(plain, packer);
    const path = join(await temporary({ image }), 'image');
    const found = await modulesInInitramfs(machine, path, RELEASE, 'mptscsih');
    expect([found.module?.path, found.module?.bytes.equals(module)]).toEqual(['lib/mptscsih.o', true]);
    expect(found.names).toEqual(['large', 'mptbase', 'mptscsih']);
    expect(found.programs).toEqual(['insmod', 'nash', 'zash']);
    expect(found.image.segments).toEqual([
      { offset: 0, size: image.length, compression: packer === undefined ? 'none' : 'gzip', format: 'ext2' },
    ]);
  });
});

describe('what is no sound ext2 image', () => {
  const readFile = async (image: Buffer) => {
    const path = join(await temporary({ image }), 'image');
    return failureOf(readInitramfs(machine, path, { wanted: () => true, keepUpTo: LIMITS.moduleBytes }));
  };

  test('one that is cut', async () => {
    const image = await ext2(await content(LARGE));
    const { code, what } = await readFile(image.subarray(0, 300_000));
    expect([code, what]).toEqual([
      'E_INITRAMFS',
      expect.stringContaining('its ext2 file system has something beyond its end'),
    ]);
  });

  test('one of a later kernel, whose extents ext2 does not know', async () => {
    const { what } = await readFile(await ext2(await content(LARGE), '-t ext4 -b 1024'));
    expect(what).toContain('its ext2 file system has features that ext2 does not have');
  });

  test('one behind an archive, which no kernel would mount', async () => {
    const folder = await temporary({ init: 'x' });
    const image = await ext2(folder);
    image.write('a boot block', 0);
    const { what } = await readFile(Buffer.concat([archive(folder), Buffer.alloc(512), image]));
    expect(what).toContain('format ext2');
  });

  test('one that unpacks to more than any ramdisk', async () => {
    const head = await ext2(await content(LARGE), '-b 1024', 4096);
    const image = await through(Buffer.concat([head, Buffer.alloc(LIMITS.ramdiskBytes)]), PACKERS.gzip);
    expect((await readFile(image)).what).toContain('a file system of more than');
  });

  test('one whose folder contains itself', async () => {
    const out = await temporary();
    const folder = await temporary({ 'a/b/c': 'x' });
    sh(
      'mke2fs -q -F -b 1024 -d "$1" "$2/fs" 1024k; debugfs -w -R "link /a /a/b/again" "$2/fs" 2>/dev/null',
      folder,
      out,
    );
    const image = readFileSync(join(out, 'fs'));
    expect(() => entries(image)).toThrow('a folder in two places: "a/b/again"');
  });

  test('whichever bytes are changed: it is read or refused, and nothing else happens', async () => {
    const folder = await temporary({
      linuxrc: 'x',
      'lib/mptscsih.o': LARGE,
      'bin/nash': 'p',
      etc: { link: 'lib' },
    });
    const image = await ext2(folder, '-b 1024 -N 64', 1024);
    // What tells where things are: superblock, descriptors, inodes and folders. The rest is content.
    const meta = image.length / 8;
    const change = fc.tuple(fc.nat(meta - 1), fc.constantFrom(0, 1, 2, 11, 0x41, 0x7f, 0x80, 0xff));
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 12 }),
        fc.nat(image.length),
        (changes, length) => {
          const changed = Buffer.from(image);
          for (const [at, value] of changes) changed[at] = value;
          for (const bytes of [changed, changed.subarray(0, length)]) {
            try {
              entries(bytes);
            } catch (error) {
              if (!(error instanceof DamagedArchive)) throw error;
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('whichever bytes of a superblock and a root folder are changed', async () => {
    const image = await ext2(await temporary({ a: 'x', 'b/c': 'y' }), '-b 1024 -N 64', 1024);
    const field = fc.tuple(fc.nat(255), fc.constantFrom(0, 1, 0xffff_ffff, 0x7fff_ffff, 0x8000_0000, 1024));
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 3 }), (changes) => {
        const changed = Buffer.from(image);
        for (const [at, value] of changes) changed.writeUInt32LE(value, 1024 + 4 * at);
        try {
          entries(changed);
        } catch (error) {
          if (!(error instanceof DamagedArchive)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
