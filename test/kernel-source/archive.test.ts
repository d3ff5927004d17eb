import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isArchive, openArchive } from '../../src/kernel-source/archive.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { failureOf, temporary } from '../machine/temporary.ts';
import { packed, tarball } from './packed.ts';

const machine = localTarget({ dryRun: true });

describe('an archive is told by its content, not by its name:', () => {
  test.each([
    ['xz', 'xz'],
    ['gzip', 'gzip'],
    ['bzip2', 'bzip2'],
    ['zstd', 'zstd -q'],
  ])('%s', async (name, tool) => {
    const path = packed(await tarball(), tool, '.misnamed');
    expect((await openArchive(machine, path)).compression?.name).toBe(name);
    expect(await isArchive(machine, path)).toBe(true);
  });

  test('a plain tar', async () => {
    const tar = await tarball();
    const { compression, size } = await openArchive(machine, tar);
    expect([compression, size]).toEqual([undefined, readFileSync(tar).length]);
  });
});

test('an .xz without its last bytes is found before it is unpacked', async () => {
  const path = packed(await tarball(), 'xz', '.xz');
  writeFileSync(path, readFileSync(path).subarray(0, -1));
  expect((await failureOf(openArchive(machine, path))).what).toContain('its end is missing');
});

describe('what is no archive is E_ARCHIVE_FORMAT:', () => {
  test.each([
    ['text', 'no archive at all\n'.repeat(100)],
    ['an empty file', ''],
    ['a zip', 'PK\u0003\u0004'],
    ['a few bytes', 'x'],
  ])('%s', async (_, content) => {
    const folder = await temporary({ 'linux.tar.xz': content });
    const path = join(folder, 'linux.tar.xz');
    expect((await failureOf(openArchive(machine, path))).code).toBe('E_ARCHIVE_FORMAT');
    expect(await isArchive(machine, path)).toBe(false);
  });
});
