import { chmodSync, chownSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Cache, lateCache, noCache, openCache } from '../../src/work/cache.ts';
import { temporary } from '../machine/temporary.ts';

async function cacheIn(home: string): Promise<{ readonly cache: Cache; readonly folder: string }> {
  const before = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = home;
  onTestFinished(() => {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
  });
  return { cache: await openCache(), folder: join(home, 'mptfix') };
}

async function filled() {
  const opened = await cacheIn(await temporary());
  await opened.cache.put('key', Buffer.from('content'));
  const [name = ''] = readdirSync(opened.folder);
  return { ...opened, entry: join(opened.folder, name) };
}

test('gives what was put, by the whole key, from files of this user alone', async () => {
  const { cache, folder, entry } = await filled();
  expect((await cache.get('key'))?.toString()).toBe('content');
  expect(await cache.get('key ')).toBe(undefined);
  expect([statSync(folder).mode & 0o777, statSync(entry).mode & 0o777]).toEqual([0o700, 0o600]);
});

for (const [what, harm] of [
  ['was changed', (entry: string) => writeFileSync(entry, `${readFileSync(entry, 'latin1').slice(0, -1)}T`)],
  ['was cut off', (entry: string) => writeFileSync(entry, readFileSync(entry).subarray(0, 70))],
  ['is another user’s', (entry: string) => chownSync(entry, 12_345, 12_345)],
  ['others can write to', (entry: string) => chmodSync(entry, 0o666)],
] as const) {
  test(`does not believe an entry that ${what}`, async () => {
    const { cache, entry } = await filled();
    harm(entry);
    expect(await cache.get('key')).toBe(undefined);
  });
}

test('is not used where the folder is another user’s or open to others', async () => {
  for (const harm of [
    (folder: string) => chmodSync(folder, 0o750),
    (folder: string) => chownSync(folder, 12_345, 12_345),
  ]) {
    const { folder } = await filled();
    harm(folder);
    expect((await cacheIn(join(folder, '..'))).cache).toBe(noCache);
  }
});

test('keeps so many entries, the newest', async () => {
  const { cache, folder } = await filled();
  for (let number = 0; number < 45; number += 1) await cache.put(`key ${number}`, Buffer.from(`${number}`));
  expect(readdirSync(folder)).toHaveLength(36);
  expect((await cache.get('key 44'))?.toString()).toBe('44');
  expect(await cache.get('key')).toBe(undefined);
});

test('a late cache gives what is there, and keeps nothing until it is told to', async () => {
  const { cache, folder } = await filled();
  const late = lateCache(cache);
  expect((await late.get('key'))?.toString()).toBe('content');
  await late.put('other', Buffer.from('held back'));
  expect([await cache.get('other'), readdirSync(folder).length]).toEqual([undefined, 1]);
  await late.commit();
  expect((await cache.get('other'))?.toString()).toBe('held back');
});
