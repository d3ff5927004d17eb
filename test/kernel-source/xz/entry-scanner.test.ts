import { readFileSync } from 'node:fs';
import { Parser } from 'tar';
import { describe, expect, test } from 'vitest';
import { entryScanner, type FoundEntry } from '../../../src/kernel-source/xz/entry-scanner.ts';
import { kernelTree, pack, TOP, text } from './packed-tree.ts';

const accept = (name: string): boolean => name.startsWith(`${TOP}/`);

function scan(bytes: Buffer, contentOffset: number, chunkBytes: number): FoundEntry | undefined {
  const scanner = entryScanner(contentOffset, accept);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const found = scanner.write(bytes.subarray(at, at + chunkBytes));
    if (found !== undefined) return found;
  }
  return scanner.end();
}

function firstEntry(bytes: Buffer): string | undefined {
  const names: string[] = [];
  const parser = new Parser({
    brotli: false,
    zstd: false,
    onReadEntry: (entry) => {
      names.push(entry.path);
      entry.resume();
    },
  });
  parser.write(bytes);
  return names[0];
}

describe('the entry that is found in a piece of a tar is one of the tar’s own', () => {
  const long = `${TOP}/drivers/${'long-name/'.repeat(15)}file.c`;
  test.each(['gnu', 'ustar', 'pax'])('%s', async (format) => {
    const entries = { ...kernelTree(), [format === 'ustar' ? `${TOP}/x` : long]: text('long', 3000) };
    const tar = readFileSync(await pack(entries, { tar: `--format=${format}` }));
    for (let from = 0; from < tar.length - 20_480; from += 1789) {
      const found = scan(tar.subarray(from, from + 9000), from, 1 + (from % 4096));
      if (found === undefined) throw new Error(`none in the piece at ${from}`);
      expect((from + found.offset) % 512).toBe(0);
      expect(found.name).toBe(firstEntry(tar.subarray(from + found.offset)));
    }
  });
});

test('a tar that lies in a file is passed over, also one with the same top folder and a damaged end', async () => {
  const inner = readFileSync(await pack({ 'other/a': 'a', 'other/b': 'b' }));
  const same = readFileSync(await pack({ [`${TOP}/a`]: 'a' })).subarray(0, 1536);
  same.fill(0x55, 512);
  const tar = readFileSync(
    await pack({
      [`${TOP}/a.tar`]: inner,
      [`${TOP}/b.tar`]: same,
      [`${TOP}/c`]: 'c',
    }),
  );
  // From the middle of a.tar's content, and of b.tar's.
  for (const name of ['a.tar', 'b.tar']) {
    const from = tar.indexOf(`${TOP}/${name}`) + 512;
    expect(scan(tar.subarray(from), from, 700)?.name).toBe(name === 'a.tar' ? `${TOP}/b.tar` : `${TOP}/c`);
  }
});

test('the last entry of a tar is found, though none follows', async () => {
  const tar = readFileSync(await pack({ [`${TOP}/a`]: 'a', [`${TOP}/b`]: 'b' }));
  const from = tar.indexOf(`${TOP}/b`);
  expect(scan(tar.subarray(from), from, 512)).toEqual({ name: `${TOP}/b`, offset: 0 });
});

test.each([
  ['nothing', ''],
  ['text', text('x', 5000)],
  ['zeros', '\0'.repeat(5000)],
  ['the magic alone', 'ustar'.repeat(1000)],
])('in %s there is none', (_, content) => {
  expect(scan(Buffer.from(content), 0, 512)).toBe(undefined);
});
