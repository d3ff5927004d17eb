import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isArchive, openArchive, streamArchive } from '../../src/kernel-source/archive.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';
import { failureOf, sh, temporary } from '../machine/temporary.ts';

const machine = localTarget({ dryRun: true });

/** A tar of 300 KB that does not shrink much, so that a cut is within the data. */
async function tarball(): Promise<string> {
  const folder = await temporary();
  sh('cd "$1"; mkdir x; head -c 300000 /dev/urandom > x/noise; tar -cf a.tar x', folder);
  return join(folder, 'a.tar');
}

function packed(tar: string, tool: string, suffix: string): string {
  sh(`${tool} -c < "$1" > "$1${suffix}"`, tar);
  return `${tar}${suffix}`;
}

async function contentOf(path: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  const onChunk = (chunk: Buffer) => parts.push(chunk) > 0;
  await streamArchive(machine, await openArchive(machine, path), { progress: silentProgress }, onChunk);
  return Buffer.concat(parts);
}

describe('an archive is told by its content, not by its name, and unpacked with the real tool:', () => {
  test.each([
    ['xz', 'xz'],
    ['gzip', 'gzip'],
    ['bzip2', 'bzip2'],
    ['zstd', 'zstd -q'],
  ])('%s', async (name, tool) => {
    const tar = await tarball();
    const path = packed(tar, tool, '.misnamed');
    expect((await openArchive(machine, path)).compression?.name).toBe(name);
    expect((await contentOf(path)).equals(readFileSync(tar))).toBe(true);
    expect(await isArchive(machine, path)).toBe(true);
  });

  test('a plain tar', async () => {
    const tar = await tarball();
    const { compression, size } = await openArchive(machine, tar);
    expect([compression, size]).toEqual([undefined, readFileSync(tar).length]);
    expect((await contentOf(tar)).equals(readFileSync(tar))).toBe(true);
  });
});

describe('one that was cut is E_ARCHIVE_TRUNCATED:', () => {
  for (const [name, tool] of [
    ['xz', 'xz'],
    ['gzip', 'gzip'],
    ['bzip2', 'bzip2'],
    ['zstd', 'zstd -q'],
  ] as const) {
    test(name, async () => {
      const path = packed(await tarball(), tool, '.cut');
      writeFileSync(path, readFileSync(path).subarray(0, 150_000));
      const { code, what } = await failureOf(contentOf(path));
      expect([code, what.includes(path)]).toEqual(['E_ARCHIVE_TRUNCATED', true]);
    });
  }

  test('an .xz without its last bytes is found before it is unpacked', async () => {
    const path = packed(await tarball(), 'xz', '.xz');
    writeFileSync(path, readFileSync(path).subarray(0, -1));
    expect((await failureOf(openArchive(machine, path))).what).toContain('its end is missing');
  });
});

test('an .xz with stream padding is whole', async () => {
  const tar = await tarball();
  const path = packed(tar, 'xz', '.xz');
  writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(8)]));
  expect((await contentOf(path)).equals(readFileSync(tar))).toBe(true);
});

test('one whose middle was damaged is told', async () => {
  const path = packed(await tarball(), 'xz', '.xz');
  const bytes = readFileSync(path);
  bytes.fill(0x55, 100_000, 100_100);
  writeFileSync(path, bytes);
  expect((await failureOf(contentOf(path))).code).toBe('E_ARCHIVE_TRUNCATED');
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

test('the tool is ended when the reader has seen enough', async () => {
  const folder = await temporary();
  sh('head -c 50000000 /dev/zero | gzip -1 > "$1/large.gz"', folder);
  let seen = 0;
  const archive = await openArchive(machine, join(folder, 'large.gz'));
  await streamArchive(machine, archive, { progress: silentProgress }, (chunk) => {
    seen += chunk.length;
    return false;
  });
  expect(seen > 0 && seen < 1_000_000).toBe(true);
});

test('a stopped run is stopped, and not called truncated', async () => {
  const folder = await temporary();
  sh('head -c 50000000 /dev/zero | gzip -1 > "$1/large.gz"', folder);
  const controller = new AbortController();
  const archive = await openArchive(machine, join(folder, 'large.gz'));
  const options = { progress: silentProgress, signal: controller.signal };
  const stream = streamArchive(machine, archive, options, () => {
    controller.abort(new Error('stopped by hand'));
    return true;
  });
  await expect(stream).rejects.toThrow('stopped by hand');
});
