import { execFileSync } from 'node:child_process';
import { linkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readInitramfs } from '../../src/initramfs/read.ts';
import { put, temporary } from '../machine/temporary.ts';
import { archive, content, FOLDER, MODULE, machine, newc, PACKERS, through, trailer } from './images.ts';

const wanted = (path: string): boolean => path.endsWith('mptscsih.ko');

async function read(image: Buffer, options: Partial<Parameters<typeof readInitramfs>[2]> = {}) {
  const folder = await temporary({ image });
  return readInitramfs(machine, join(folder, 'image'), { wanted, ...options });
}

describe('an archive of each format, as cpio makes it', () => {
  test.each(['newc', 'crc', 'odc', 'bin'])('%s', async (format) => {
    const { folder, module, sha256 } = await content();
    const image = archive(folder, format);
    const { segments, files, links, names } = await read(image, { keepUpTo: 1e6 });
    expect(segments).toEqual([{ offset: 0, size: image.length, compression: 'none', format }]);
    expect([...files.values()]).toEqual([
      { path: MODULE, mode: 0o644, size: module.length, sha256, content: module },
    ]);
    expect([...links]).toEqual([
      ['bin', 'usr/bin'],
      ['lib', 'usr/lib'],
    ]);
    expect([...names].sort()).toEqual(
      [
        'init',
        'usr/bin/mount',
        `${FOLDER}/mptbase.ko`,
        MODULE,
        MODULE.replace(/kernel.*/, 'modules.dep'),
      ].sort(),
    );
  });
});

describe('an archive packed in each way that the kernel can unpack', () => {
  test.each(Object.entries(PACKERS))('%s', async (compression, packer) => {
    const { folder, sha256 } = await content();
    const image = await through(archive(folder), packer);
    const { segments, files } = await read(image);
    expect(segments).toEqual([{ offset: 0, size: image.length, compression, format: 'newc' }]);
    expect(files.get(MODULE)?.sha256).toBe(sha256);
  });

  test.each(Object.entries(PACKERS))(
    '%s, after plain archives of microcode and zeros between them',
    async (compression, packer) => {
      const { folder, sha256 } = await content();
      const microcode = await temporary({
        'kernel/x86/microcode/GenuineIntel.bin': Buffer.alloc(300_000, 7),
      });
      const early = archive(microcode);
      const main = await through(archive(folder), packer);
      const zeros = Buffer.alloc(1234);
      const { segments, files, names } = await read(Buffer.concat([early, zeros, early, zeros, main]));
      const at = 2 * (early.length + zeros.length);
      expect(segments).toEqual([
        { offset: 0, size: at, compression: 'none', format: 'newc' },
        { offset: at, size: main.length, compression, format: 'newc' },
      ]);
      expect(files.get(MODULE)?.sha256).toBe(sha256);
      expect(names.has('kernel/x86/microcode/GenuineIntel.bin')).toBe(true);
    },
  );
});

describe('several packed parts', () => {
  test('follow each other, also packed differently, with zeros between; the last of a name stays', async () => {
    const { folder } = await content();
    const first = archive(folder);
    await put(folder, {});
    rmSync(join(folder, MODULE));
    writeFileSync(join(folder, MODULE), 'the newer one');
    const second = archive(folder);
    const parts = [
      await through(first, PACKERS.zstd),
      await through(first, PACKERS.gzip),
      Buffer.alloc(512),
      first,
      await through(second, PACKERS.zstd),
      Buffer.alloc(100),
    ];
    const { segments, files } = await read(Buffer.concat(parts), { keepUpTo: 1e6 });
    expect(segments.map(({ compression }) => compression)).toEqual(['zstd', 'gzip', 'none', 'zstd']);
    expect(files.get(MODULE)?.content?.toString()).toBe('the newer one');
  });

  test('of one packing are read by the packing’s own program', async () => {
    const { folder, sha256 } = await content();
    const part = await through(archive(folder), PACKERS.xz);
    const { files } = await read(Buffer.concat([part, part]));
    expect(files.get(MODULE)?.sha256).toBe(sha256);
  });
});

describe('links', () => {
  test.each(['newc', 'crc', 'odc', 'bin'])(
    'hard links in %s have one content, whichever of them is asked for',
    async (format) => {
      const { folder, sha256 } = await content();
      linkSync(join(folder, MODULE), join(folder, 'a-first-name.ko'));
      linkSync(join(folder, MODULE), join(folder, 'zzz-last-name.ko'));
      const image = archive(folder, format);
      for (const name of ['a-first-name.ko', MODULE, 'zzz-last-name.ko']) {
        const { files } = await read(image, { wanted: (path) => path === name });
        expect([...files.values()].map((file) => [file.path, file.sha256])).toEqual([[name, sha256]]);
      }
    },
  );

  test('hard links are of one archive: the same number in the next is another file', async () => {
    const image = Buffer.concat([
      newc('one', 'first', { nlink: 2, ino: 5 }),
      newc('two', '', { nlink: 2, ino: 5 }),
      trailer(),
      newc('three', '', { nlink: 2, ino: 5 }),
      newc('four', 'second', { nlink: 2, ino: 5 }),
      trailer(),
    ]);
    const { files } = await read(image, { wanted: () => true, keepUpTo: 100 });
    expect([...files.values()].map(({ path, content: bytes }) => [path, bytes?.toString()]).sort()).toEqual([
      ['four', 'second'],
      ['one', 'first'],
      ['three', 'second'],
      ['two', 'first'],
    ]);
  });

  test('names may start with ./ or /, and have any bytes', async () => {
    const folder = await temporary({ 'odd \n\u001b[31m name': 'x' });
    symlinkSync('/somewhere/else', join(folder, 'link'));
    const { names, links } = await read(
      Buffer.concat([archive(folder), newc('/init', 'x'), newc('./a//b', 'y'), trailer()]),
    );
    expect([...names].sort()).toEqual(['a/b', 'init', 'odd \n\u001b[31m name']);
    expect(links.get('link')).toBe('/somewhere/else');
  });
});

test('an image of many megabytes is read without being held, in a moment', async () => {
  const folder = await temporary();
  execFileSync('sh', [
    '-c',
    'mkdir "$1/t" && for i in 1 2 3 4 5 6 7 8; do head -c 40000000 /dev/urandom > "$1/t/$i"; done; cd "$1/t" && find . | cpio --quiet -o -H newc > "$1/image"; rm -r "$1/t"',
    'sh',
    folder,
  ]);
  const before = process.memoryUsage().rss;
  const { names } = await readInitramfs(machine, join(folder, 'image'), { wanted });
  expect(names.size).toBe(8);
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
});
