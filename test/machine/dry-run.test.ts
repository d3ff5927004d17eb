import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import type { Target } from '../../src/machine/port.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { listing } from '../helpers/listing.ts';
import { failureOf, temporary } from './temporary.ts';

const writes: Readonly<Record<string, (target: Target) => Promise<unknown>>> = {
  write: (target) => target.write('/file', 'new'),
  'write of a new file': (target) => target.write('/new', 'new'),
  copy: (target) => target.copy('/file', '/copy'),
  append: (target) => target.append('/file', 'more'),
  mkdir: (target) => target.mkdir('/folder', 0o755),
  'mkdir of one that is there': (target) => target.mkdir('/there', 0o755),
  link: (target) => target.link('/link', '/file'),
  hardLink: (target) => target.hardLink('/file', '/second'),
  rename: (target) => target.rename('/file', '/renamed'),
  sync: (target) => target.sync('/file'),
  remove: (target) => target.remove('/file'),
  removeTree: (target) => target.removeTree('/there'),
  setMtime: (target) => target.setMtime('/file', '1.000000000'),
  'run of a program that writes': async (target) =>
    target.run(['touch', `${await target.hostPath('/')}/touched`], { effect: 'write' }),
};

describe('a dry run refuses', () => {
  for (const [name, write] of Object.entries(writes)) {
    test(name, async () => {
      const root = await temporary({ file: 'content', 'there/inside': 'x' });
      const before = listing(root);
      const { code, what } = await failureOf(write(rootTarget(root, { dryRun: true })));
      expect([code, what.startsWith('a dry run tried to ')]).toEqual(['E_DRY_RUN', true]);
      expect(listing(root)).toEqual(before);
    });
  }
});

test('a dry run reads, runs programs that read, and locks, without a trace', async () => {
  const root = await temporary({ file: 'content', 'there/inside': 'x', link: { link: '/file' } });
  const before = listing(root);
  const target = rootTarget(root, { dryRun: true });
  expect(await target.readText('/link', LIMITS.moduleBytes)).toBe('content');
  expect((await target.read('/file', LIMITS.moduleBytes)).toString()).toBe('content');
  expect((await target.readRange('/file', 3, 100)).toString()).toBe('tent');
  expect(await target.list('/there')).toEqual(['inside']);
  expect([await target.readLink('/link'), await target.readLink('/file')]).toEqual(['/file', undefined]);
  expect(await target.writable('/there')).toBe('yes');
  expect((await target.run(['cat'], { effect: 'read', stdinFile: '/link' })).stdout.toString()).toBe(
    'content',
  );
  const lock = await target.lock('/there');
  await lock?.release();
  expect(listing(root)).toEqual(before);
});
