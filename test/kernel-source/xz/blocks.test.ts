import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  readIndex,
  readInteger,
  readLayout,
  streamEnd,
  writeInteger,
  type XzLayout,
} from '../../../src/kernel-source/xz/blocks.ts';
import { localTarget } from '../../../src/machine/tree.ts';
import { sh, temporary } from '../../machine/temporary.ts';

const machine = localTarget({ dryRun: true });

/** 100,000 bytes of text in blocks of 16 KiB. */
async function multiBlock(options = '--block-size=16384'): Promise<string> {
  const folder = await temporary();
  sh(`cd "$1"; seq 1 30000 | head -c 100000 > text; xz -k ${options} text`, folder);
  return `${folder}/text.xz`;
}

async function layoutOf(path: string): Promise<XzLayout> {
  const layout = await readLayout(machine, path);
  if (layout === undefined) throw new Error('it has no layout');
  return layout;
}

describe('multibyte integers', () => {
  test.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [25_165_824, '8080800c'],
  ])('%i', (value, hex) => {
    expect(writeInteger(value).toString('hex')).toBe(hex);
  });

  test('any is read as it was written, wherever it stands', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.uint8Array({ maxLength: 5 }), (value, before) => {
        const written = writeInteger(value);
        const read = readInteger(Buffer.concat([before, written, Buffer.from('xyz')]), before.length);
        expect(read).toEqual({ value, next: before.length + written.length });
      }),
    );
  });

  test.each([
    ['none', ''],
    ['one that is cut', '8080'],
    ['one that is longer than need be', '8000'],
    ['one of ten bytes', 'ffffffffffffffffff01'],
    ['one above 2^53', 'ffffffffffffffff7f'],
  ])('%s is refused', (_, hex) => {
    expect(readInteger(Buffer.from(hex, 'hex'), 0)).toBe(undefined);
  });
});

test('the blocks are those that xz itself lists', async () => {
  const path = await multiBlock();
  const listed = execFileSync('xz', ['--robot', '--list', '-vv', path])
    .toString()
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([kind]) => kind === 'block');
  const { blocks } = await layoutOf(path);
  expect(blocks.length).toBe(7);
  expect(
    blocks.map((block) => [block.offset, block.contentOffset, block.storedSize, block.contentSize]),
  ).toEqual(listed.map((columns) => columns.slice(4, 8).map(Number)));
});

describe('each block with an end of its own is an .xz that xz decodes without complaint', () => {
  test.each(['none', 'crc32', 'crc64', 'sha256'])('check %s', async (check) => {
    const path = await multiBlock(`--block-size=16384 --check=${check}`);
    const bytes = readFileSync(path);
    const { header, blocks } = await layoutOf(path);
    const parts = blocks.map((block) => {
      const stored = bytes.subarray(block.offset, block.offset + block.storedSize);
      return execFileSync('xz', ['-dc'], {
        input: Buffer.concat([header, stored, streamEnd(header, [block])]),
      });
    });
    expect(parts.map((part) => part.length)).toEqual(blocks.map((block) => block.contentSize));
    expect(Buffer.concat(parts).equals(readFileSync(path.replace('.xz', '')))).toBe(true);
  });
});

describe('no layout is told of', () => {
  const damages: readonly [name: string, damage: (bytes: Buffer) => Buffer][] = [
    ['two streams in one file', (bytes) => Buffer.concat([bytes, bytes])],
    ['a stream with padding', (bytes) => Buffer.concat([bytes, Buffer.alloc(4)])],
    ['one that lost bytes at its start', (bytes) => bytes.subarray(4)],
    [
      'one that lost bytes in its middle',
      (bytes) => Buffer.concat([bytes.subarray(0, 400), bytes.subarray(404)]),
    ],
    ['one that was cut', (bytes) => bytes.subarray(0, -4)],
    ['nothing', () => Buffer.alloc(0)],
    ['a few bytes', (bytes) => bytes.subarray(0, 20)],
    ['zeros', (bytes) => Buffer.alloc(bytes.length)],
  ];
  test.each(damages)('%s', async (_, damage) => {
    const path = await multiBlock();
    writeFileSync(path, damage(readFileSync(path)));
    expect(await readLayout(machine, path)).toBe(undefined);
  });

  test('a file that is not there', async () => {
    expect(await readLayout(machine, '/nowhere/linux.tar.xz')).toBe(undefined);
  });

  test('one with any single bit of its header, index or footer turned', async () => {
    const path = await multiBlock();
    const bytes = readFileSync(path);
    const { blocks } = await layoutOf(path);
    const end = (blocks.at(-1)?.offset ?? 0) + (blocks.at(-1)?.storedSize ?? 0);
    const read = (content: Buffer) =>
      readLayout(
        {
          stat: async () => ({ type: 'file', size: content.length, mode: 0, uid: 0, gid: 0, mtime: '0' }),
          readRange: async (_, offset, length) => content.subarray(offset, offset + length),
        },
        path,
      );
    expect(await read(bytes)).toBeDefined();
    for (let at = 0; at < bytes.length; at++) {
      if (at >= 12 && at < end) continue;
      for (let bit = 0; bit < 8; bit++) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
        expect(await read(damaged), `byte ${at}, bit ${bit}`).toBe(undefined);
      }
    }
  });
});

describe('an index made to mislead, with its CRC32 right,', () => {
  const indexOf = (count: number, sizes: readonly number[]): Buffer => {
    const parts = [Buffer.from([0]), ...[count, ...sizes].map(writeInteger)];
    const records = Buffer.concat(parts);
    const padded = Buffer.concat([records, Buffer.alloc((4 - (records.length % 4)) % 4)]);
    const check = Buffer.alloc(4);
    check.writeUInt32LE(crc32(padded));
    return Buffer.concat([padded, check]);
  };

  test.each([
    ['one that is right', indexOf(2, [8, 1, 6, 9]), 16, true],
    ['no blocks', indexOf(0, []), 0, true],
    ['fewer bytes of blocks than the file has', indexOf(1, [8, 1]), 16, false],
    ['more bytes of blocks than the file has', indexOf(2, [8, 1, 12, 1]), 16, false],
    ['a huge number of records', indexOf(Number.MAX_SAFE_INTEGER, [8, 1]), 8, false],
    ['a record too few', indexOf(2, [8, 1]), 8, false],
    ['a record too many', indexOf(1, [8, 1, 8, 1]), 8, false],
    ['a huge packed size', indexOf(2, [Number.MAX_SAFE_INTEGER, 1, 8, 1]), 16, false],
    ['a huge unpacked size', indexOf(2, [8, Number.MAX_SAFE_INTEGER, 8, Number.MAX_SAFE_INTEGER]), 16, false],
    ['a packed size of nothing', indexOf(2, [0, 1, 16, 1]), 16, false],
    ['an unpacked size of nothing', indexOf(2, [8, 0, 8, 1]), 16, false],
  ])('%s', (_, index, blockBytes, fits) => {
    expect(readIndex(index, blockBytes) !== undefined).toBe(fits);
  });

  test('whatever its numbers: what is told of lies in the file, side by side', () => {
    const number = fc.oneof(fc.nat(40), fc.nat(100_000), fc.maxSafeNat());
    const sizes = fc.array(number, { maxLength: 12 });
    fc.assert(
      fc.property(fc.option(number), sizes, fc.option(number), (count, pairs, room) => {
        const sum = pairs
          .filter((_, at) => at % 2 === 0)
          .reduce((all, size) => all + Math.ceil(size / 4) * 4, 0);
        const blockBytes = room ?? sum;
        const blocks = readIndex(indexOf(count ?? pairs.length >> 1, pairs), blockBytes);
        let end = 12;
        for (const block of blocks ?? []) {
          expect(block.offset).toBe(end);
          end += block.storedSize;
          expect(end <= 12 + blockBytes && block.contentSize > 0).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(1000), (bytes, blockBytes) => {
        const body = Buffer.concat([Buffer.from([0]), bytes]);
        const check = Buffer.alloc(4);
        check.writeUInt32LE(crc32(body));
        const blocks = readIndex(Buffer.concat([body, check]), blockBytes) ?? [];
        expect(blocks.length <= 32).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});
