import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSuperblock, SUPERBLOCK_BYTES } from '../../../src/filesystems/superblock/parse.ts';
import { sh, temporary } from '../../machine/temporary.ts';

function firstBytes(path: string): Buffer {
  const bytes = Buffer.alloc(SUPERBLOCK_BYTES);
  const file = openSync(path, 'r');
  const length = readSync(file, bytes, 0, bytes.length, 0);
  closeSync(file);
  return bytes.subarray(0, length);
}

/** An image made by the file system's own mkfs. */
async function image(command: string, megabytes: number): Promise<string> {
  const path = join(await temporary(), 'image');
  sh(`truncate -s "$1M" "$2"; ${command} "$2"`, String(megabytes), path);
  return path;
}

const dumpe2fs = (path: string, field: string): string =>
  sh(`dumpe2fs -h "$1" 2>/dev/null | sed -n "s/^$2: *//p"`, path, field).trim();

describe('an ext superblock', () => {
  for (const type of ['ext2', 'ext3', 'ext4']) {
    test(`of ${type} is read as dumpe2fs reads it`, async () => {
      const path = await image(`mkfs.${type} -q -F -L "a label" -e remount-ro`, 16);
      const found = parseSuperblock(firstBytes(path));
      expect(found).toEqual({
        kind: 'ext',
        uuid: dumpe2fs(path, 'Filesystem UUID'),
        label: 'a label',
        hasJournal: type !== 'ext2',
        needsRecovery: false,
        valid: true,
        errorFlag: false,
        errorCount: 0,
        firstError: null,
        lastError: null,
        errorsPolicy: 'remount-ro',
        checksum: type === 'ext4' ? 'good' : null,
      });
      expect(parseSuperblock(firstBytes(path), type)).toEqual(found);
      expect(parseSuperblock(firstBytes(path), 'xfs')).toBeUndefined();
    });
  }

  test('says which errors are on record, when and where they were met', async () => {
    const path = await image('mkfs.ext4 -q -F', 16);
    sh(
      `debugfs -w "$1" 2>/dev/null <<'END'
set_super_value state 2
set_super_value error_count 7
set_super_value first_error_time 20240102030405
set_super_value first_error_func ext4_journal_check_start
set_super_value first_error_line 61
set_super_value last_error_time 20240102030406
set_super_value last_error_func ext4_put_super
set_super_value last_error_line 1170
feature needs_recovery
END`,
      path,
    );
    expect(parseSuperblock(firstBytes(path), 'ext4')).toMatchObject({
      valid: false,
      errorFlag: true,
      errorCount: 7,
      needsRecovery: true,
      firstError: { time: '2024-01-02T03:04:05.000Z', function: 'ext4_journal_check_start', line: 61 },
      lastError: { time: '2024-01-02T03:04:06.000Z', function: 'ext4_put_super', line: 1170 },
      checksum: 'good',
    });
  });

  test('of every policy is told as tune2fs sets it, and a flipped bit is seen by the checksum', async () => {
    const path = await image('mkfs.ext4 -q -F', 16);
    for (const policy of ['continue', 'remount-ro', 'panic']) {
      sh('tune2fs -e "$1" "$2"', policy, path);
      expect(parseSuperblock(firstBytes(path))).toMatchObject({ errorsPolicy: policy, checksum: 'good' });
    }
    const bytes = firstBytes(path);
    bytes[1024 + 0x3c] = 1;
    expect(parseSuperblock(bytes)).toMatchObject({ errorsPolicy: 'continue', checksum: 'bad' });
    bytes.writeUInt16LE(0x7777, 1024 + 0x3c);
    expect(parseSuperblock(bytes)).toMatchObject({ errorsPolicy: 'remount-ro', checksum: 'bad' });
  });

  test('with control characters in its names gives none of them away', async () => {
    const path = await image('mkfs.ext4 -q -F', 16);
    const bytes = firstBytes(path);
    bytes.write('a\n\u001B[2J', 1024 + 0x78, 'latin1');
    bytes.writeUInt32LE(1, 1024 + 0x198);
    bytes.fill(0x07, 1024 + 0x1a8, 1024 + 0x1c8);
    const found = parseSuperblock(bytes);
    expect(found?.label).toBe('a??[2J');
    expect(found).toMatchObject({ firstError: { function: '?'.repeat(32) } });
  });
});

describe('an XFS superblock', () => {
  test('is read, with its checksum', async () => {
    const path = await image('mkfs.xfs -q -f -L mylabel', 320);
    const uuid = sh('xfs_db -r -c "uuid" "$1"', path).trim().replace('UUID = ', '');
    expect(parseSuperblock(firstBytes(path), 'xfs')).toEqual({
      kind: 'xfs',
      uuid,
      label: 'mylabel',
      needsRepair: false,
      checksum: 'good',
    });
  });

  test('that waits for xfs_repair says so; a flipped bit and an impossible sector size are seen', async () => {
    const path = await image('mkfs.xfs -q -f', 320);
    const bytes = firstBytes(path);
    bytes.writeUInt32BE(bytes.readUInt32BE(216) | 0x10, 216);
    expect(parseSuperblock(bytes)).toMatchObject({ needsRepair: true, checksum: 'bad' });
    for (const sector of [0, 1, 511, 65535]) {
      bytes.writeUInt16BE(sector, 102);
      expect(parseSuperblock(bytes)).toMatchObject({ checksum: 'bad' });
    }
  });
});

test('a btrfs superblock is read, with its error flag and its checksum', async () => {
  const path = await image('mkfs.btrfs -q -f -L mylabel', 120);
  const bytes = firstBytes(path);
  const uuid = sh('btrfs inspect-internal dump-super "$1" | sed -n "s/^fsid[[:space:]]*//p"', path).trim();
  expect(parseSuperblock(bytes)).toEqual({
    kind: 'btrfs',
    uuid,
    label: 'mylabel',
    errorFlag: false,
    checksum: 'good',
  });
  bytes[0x10038] = (bytes[0x10038] ?? 0) | 0x4;
  expect(parseSuperblock(bytes)).toMatchObject({ errorFlag: true, checksum: 'bad' });
});

test('what mkfs of another kind left behind is not taken for the one that is mounted', async () => {
  const path = await image('mkfs.btrfs -q -f', 120);
  sh(
    'dd if="$1" of="$1.old" bs=4096 skip=16 count=1 2>/dev/null; mkfs.ext4 -q -F "$1"; dd if="$1.old" of="$1" bs=4096 seek=16 conv=notrunc 2>/dev/null',
    path,
  );
  expect(parseSuperblock(firstBytes(path))?.kind).toBe('btrfs');
  expect(parseSuperblock(firstBytes(path), 'ext4')?.kind).toBe('ext');
});

test('whatever a disk holds, and however little of it, nothing is thrown', async () => {
  const paths = await Promise.all([
    image('mkfs.ext4 -q -F', 16),
    image('mkfs.xfs -q -f', 320),
    image('mkfs.btrfs -q -f', 120),
  ]);
  const images = paths.map(firstBytes);
  for (const bytes of images) {
    for (const length of [0, 1, 511, 512, 1023, 1024, 1500, 2047, 2048, 0x10000, 0x10fff])
      parseSuperblock(bytes.subarray(0, length));
  }
  const spoiled = fc.tuple(
    fc.constantFrom(...images),
    fc.array(fc.tuple(fc.nat(SUPERBLOCK_BYTES - 1), fc.nat(255)), { maxLength: 40 }),
  );
  fc.assert(
    fc.property(spoiled, ([bytes, changes]) => {
      const copy = Buffer.from(bytes);
      for (const [offset, value] of changes) copy[offset] = value;
      const found = parseSuperblock(copy);
      expect(JSON.stringify(found ?? null)).not.toMatch(/\\u00[01]/);
    }),
    { numRuns: 60 },
  );
});
