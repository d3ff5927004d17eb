import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CUT_KINDS, type CutKind, type Disk, openDisk, type Survivors } from '../../../lab/power/disk.ts';
import { seeded } from '../../../lab/power/random.ts';

const SECTOR = 512;
const SECTORS = 16;

let folder: string;
let base: FileHandle;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-disk-'));
  await writeFile(join(folder, 'base'), Buffer.alloc(SECTORS * SECTOR, '.'));
  base = await open(join(folder, 'base'));
});
afterEach(async () => {
  await base.close();
  await rm(folder, { recursive: true });
});

function newDisk(): Disk {
  return openDisk(base, SECTORS * SECTOR);
}

function put(disk: Disk, sector: number, mark: string, sectors = 1, through = false): void {
  disk.write(sector * SECTOR, Buffer.alloc(sectors * SECTOR, mark), through);
}

/** The first letter of each sector. */
function letters(bytes: Buffer): string {
  return Array.from({ length: bytes.length / SECTOR }, (_, sector) =>
    String.fromCharCode(bytes[sector * SECTOR] ?? 0),
  ).join('');
}

async function whole(disk: Disk): Promise<string> {
  return letters(await disk.read(0, SECTORS * SECTOR));
}

function image({ writes }: Survivors): string {
  const bytes = Buffer.alloc(SECTORS * SECTOR, '.');
  for (const { offset, data } of writes) data.copy(bytes, offset);
  return letters(bytes);
}

function left(disk: Disk, kind: CutKind, seed = 1): string {
  return image(disk.survivors(kind, seeded(seed)));
}

describe('a disk with a write cache', () => {
  it('reads what was written over what the base has', async () => {
    const disk = newDisk();
    put(disk, 2, 'a', 3);
    put(disk, 3, 'b');
    expect(await whole(disk)).toBe('..aba...........');
    expect(letters(await disk.read(3 * SECTOR, 2 * SECTOR))).toBe('ba');
  });

  it('keeps what was flushed, and of the rest what the kind of cut says', () => {
    const disk = newDisk();
    put(disk, 0, 'a');
    disk.flush();
    put(disk, 1, 'b');
    put(disk, 0, 'c');
    expect(left(disk, 'flushed')).toBe('a...............');
    expect(left(disk, 'written')).toBe('cb..............');
    expect(disk.counts()).toEqual({ writes: 3, flushes: 1, unsafe: 2 });
    expect(disk.survivors('flushed', seeded(1)).lost).toBe(2);
    expect(disk.survivors('written', seeded(1)).lost).toBe(0);
  });

  it('keeps what was written past the cache, and a later write of the cache over it', () => {
    const disk = newDisk();
    put(disk, 0, 'a');
    put(disk, 0, 'b', 1, true);
    put(disk, 1, 'c', 1, true);
    put(disk, 1, 'd');
    expect(left(disk, 'flushed')).toBe('bc..............');
    disk.flush();
    expect(left(disk, 'flushed')).toBe('bd..............');
  });

  it('keeps a beginning of the rest, any of them, with `prefix`', () => {
    const disk = newDisk();
    for (const [sector, mark] of [...'abc'].entries()) put(disk, sector, mark);
    const found = new Set(Array.from({ length: 60 }, (_, seed) => left(disk, 'prefix', seed).slice(0, 4)));
    expect([...found].sort()).toEqual(['....', 'a...', 'ab..', 'abc.']);
  });

  it('keeps any of the rest with `scattered`, also a part of one, in whole sectors', () => {
    const disk = newDisk();
    put(disk, 0, 'a', 3);
    put(disk, 4, 'b');
    const found = new Set(
      Array.from({ length: 200 }, (_, seed) => left(disk, 'scattered', seed).slice(0, 5)),
    );
    expect([...found].sort()).toEqual(
      ['.....', '....b', 'a....', 'a...b', 'aa...', 'aa..b', 'aaa..', 'aaa.b'].sort(),
    );
  });

  it('loses nothing of what was flushed, whatever was written and however it is cut', () => {
    const write = fc.record({
      sector: fc.integer({ min: 0, max: SECTORS - 1 }),
      mark: fc.constantFrom(...'abcdefgh'),
      through: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(write), fc.constantFrom(...CUT_KINDS), fc.nat(), (writes, kind, seed) => {
        const disk = newDisk();
        for (const { sector, mark, through } of writes) put(disk, sector, mark, 1, through);
        disk.flush();
        const expected = Array.from({ length: SECTORS }, () => '.');
        for (const { sector, mark } of writes) expected[sector] = mark;
        expect(left(disk, kind, seed)).toBe(expected.join(''));
      }),
    );
  });

  it('takes nothing once it has no power', async () => {
    const disk = newDisk();
    put(disk, 0, 'a');
    disk.cut();
    expect(() => put(disk, 1, 'b')).toThrow('no power');
    expect(() => disk.flush()).toThrow('no power');
    await expect(disk.read(0, SECTOR)).rejects.toThrow('no power');
    expect(left(disk, 'written')).toBe('a...............');
  });

  it('refuses what is not of whole sectors, or past its end', () => {
    const disk = newDisk();
    expect(() => disk.write(1, Buffer.alloc(SECTOR), false)).toThrow('whole sectors');
    expect(() => disk.write(0, Buffer.alloc(100), false)).toThrow('whole sectors');
    expect(() => put(disk, SECTORS, 'a')).toThrow('whole sectors');
  });
});
