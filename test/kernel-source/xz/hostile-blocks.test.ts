import { readFileSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isFailure } from '../../../src/errors.ts';
import { readLayout, writeInteger, type XzLayout } from '../../../src/kernel-source/xz/blocks.ts';
import { unpackDriverFromBlocks } from '../../../src/kernel-source/xz/unpack-blocks.ts';
import { localTarget } from '../../../src/machine/tree.ts';
import { silentProgress } from '../../../src/progress.ts';
import { failureOf, sh } from '../../machine/temporary.ts';
import { FUSION, kernelTree, pack, TOP } from './packed-tree.ts';

const machine = localTarget({ dryRun: true });
const TREE = kernelTree();

const unpack = (path: string) => unpackDriverFromBlocks(machine, path, { progress: silentProgress });

async function layoutOf(path: string): Promise<XzLayout> {
  const layout = await readLayout(machine, path);
  if (layout === undefined) throw new Error('it has no layout');
  return layout;
}

describe('one hostile entry among those that are read refuses all of it:', () => {
  test.each([
    ['a symbolic link out of the archive', `${FUSION}/zz.c`, { link: '/etc/passwd' }, ''],
    ['one before the driver', `${TOP}/drivers/message/a`, { link: '../../../../etc' }, ''],
    ['one before the Makefile', `${TOP}/MAINTAINERS`, { link: '../../etc' }, ''],
    ['a name that climbs', `${FUSION}/mptscsii.c`, 'x', "--transform='s,mptscsii.c,../../../../../x,'"],
    ['an absolute name', `${FUSION}/mptscsii.c`, 'x', "--transform='s,^.*mptscsii.c,/tmp/x,'"],
  ])('%s', async (_, name, entry, tar) => {
    const path = await pack({ ...TREE, [name]: entry }, { tar });
    sh('xz -fk --block-size=65536 "$1"', path);
    expect((await failureOf(unpack(`${path}.xz`))).code).toBe('E_ARCHIVE_UNSAFE');
  });

  test('a pipe in the driver’s folder', async () => {
    const path = await pack({ ...TREE, [`${FUSION}/pipe`]: '' });
    const tar = readFileSync(path);
    const at = tar.indexOf(`${FUSION}/pipe`);
    const header = tar.subarray(at, at + 512);
    // From a plain file to a pipe: the type's character, and the checksum, the sum of all bytes, with it.
    header[156] = 0x36;
    header.fill(0x20, 148, 156);
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
      'latin1',
    );
    writeFileSync(path, tar);
    sh('xz -fk --block-size=65536 "$1"', path);
    expect((await failureOf(unpack(`${path}.xz`))).what).toContain('a device or pipe');
  });
});

/** The index of the block that holds a name's header. */
function blockOf(layout: XzLayout, tar: Buffer, name: string): number {
  const at = tar.indexOf(name);
  return layout.blocks.findIndex(
    (block) => at >= block.contentOffset && at < block.contentOffset + block.contentSize,
  );
}

describe('a damaged block', () => {
  const damaged = async (name: string): Promise<string> => {
    const path = await pack(TREE, { xz: '--block-size=32768' });
    const layout = await layoutOf(`${path}.xz`);
    const block = layout.blocks[blockOf(layout, readFileSync(path), name)];
    const bytes = readFileSync(`${path}.xz`);
    if (block === undefined) throw new Error(`no block holds ${name}`);
    // Behind the beginning, so that a look at its first entry succeeds.
    bytes.fill(0x55, block.offset + 24, block.offset + block.storedSize - 8);
    writeFileSync(`${path}.xz`, bytes);
    return `${path}.xz`;
  };

  test.each([`${FUSION}/mptscsih.c`, `${TOP}/Makefile\0`])(
    'that is needed for %j never gives a result',
    async (name) => {
      const path = await damaged(name);
      // No entry is read from it, and the search does without: then the block is met in reading.
      const { code, what } = await failureOf(unpack(path));
      expect([code, what.includes(path)]).toEqual(['E_ARCHIVE_TRUNCATED', true]);
    },
  );

  test('that holds nothing that is needed is of no concern', async () => {
    expect((await unpack(await damaged(`${TOP}/drivers/net/f25.c`)))?.files.size).toBe(7);
  });

  test('at the end, where another tree could begin, leaves the archive to be read from its start', async () => {
    expect(await unpack(await damaged(`${TOP}/sound/f39.c`))).toBeUndefined();
  });
});

/** The same blocks under an index that says something else, with every CRC32 right. */
function withIndex(bytes: Buffer, layout: XzLayout, sizes: readonly (readonly [number, number])[]): Buffer {
  const uint32 = (value: number): Buffer => {
    const four = Buffer.alloc(4);
    four.writeUInt32LE(value);
    return four;
  };
  const last = layout.blocks.at(-1);
  const records = Buffer.concat([Buffer.from([0]), ...[sizes.length, ...sizes.flat()].map(writeInteger)]);
  const padded = Buffer.concat([records, Buffer.alloc((4 - (records.length % 4)) % 4)]);
  const flags = Buffer.concat([uint32(padded.length / 4), layout.header.subarray(6, 8)]);
  return Buffer.concat([
    bytes.subarray(0, (last?.offset ?? 0) + (last?.storedSize ?? 0)),
    padded,
    uint32(crc32(padded)),
    uint32(crc32(flags)),
    flags,
    Buffer.from('YZ', 'latin1'),
  ]);
}

describe('an index that lies, with its CRC32 right,', () => {
  test('is believed where it is the true one', async () => {
    const path = `${await pack(TREE)}.xz`;
    const layout = await layoutOf(path);
    const bytes = readFileSync(path);
    const sizes = layout.blocks.map((block) => [block.unpaddedSize, block.contentSize] as const);
    expect(withIndex(bytes, layout, sizes).equals(bytes)).toBe(true);
  });

  test('gives nothing, a failure of ours or the truth, and soon', async () => {
    const path = `${await pack(TREE, { xz: '--block-size=16384' })}.xz`;
    const layout = await layoutOf(path);
    const bytes = readFileSync(path);
    const truth = await unpack(path);
    const content = fc.oneof(fc.constant(1), fc.nat(40_000), fc.constant(2 ** 40), fc.constant(16_384));
    const lie = fc.record({
      contents: fc.array(content, { minLength: layout.blocks.length, maxLength: layout.blocks.length }),
      // Bytes that one block takes from the next.
      shifts: fc.array(fc.constantFrom(0, 0, 0, 4, -4, 400), { maxLength: layout.blocks.length }),
      truthful: fc.nat(layout.blocks.length),
    });
    await fc.assert(
      fc.asyncProperty(lie, async ({ contents, shifts, truthful }) => {
        const sizes = layout.blocks.map((block, at): [number, number] => [
          at < truthful ? block.unpaddedSize : Math.ceil(block.unpaddedSize / 4) * 4,
          at < truthful ? block.contentSize : Math.max(1, contents[at] ?? 1),
        ]);
        for (const [at, shift] of shifts.entries()) {
          const [one, next] = [sizes[at], sizes[at + 1]];
          if (at < truthful || one === undefined || next === undefined) continue;
          one[0] += shift;
          next[0] -= shift;
        }
        writeFileSync(path, withIndex(bytes, layout, sizes));
        const result = await unpack(path).catch((error: unknown) => {
          if (isFailure(error)) return undefined;
          throw error;
        });
        if (result !== undefined) expect(result).toEqual(truth);
      }),
      { numRuns: 30 },
    );
  });

  test('a block that unpacks to far more than it says is stopped', async () => {
    const path = await pack({ ...TREE, [`${FUSION}/a.h`]: Buffer.alloc(7_000_000) });
    sh('xz -fk --block-size=7400000 "$1"', path);
    const layout = await layoutOf(`${path}.xz`);
    const sizes = layout.blocks.map((block): [number, number] => [block.unpaddedSize, 100_000]);
    writeFileSync(`${path}.xz`, withIndex(readFileSync(`${path}.xz`), layout, sizes));
    let most = 0;
    const progress = {
      note: () => {},
      bytes: (done: number) => {
        most = Math.max(most, done);
      },
    };
    const result = await unpackDriverFromBlocks(machine, `${path}.xz`, { progress }).catch(
      (error: unknown) => error,
    );
    expect([result === undefined || isFailure(result), most < 1_000_000]).toEqual([true, true]);
  });
});
