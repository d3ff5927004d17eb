import { describe, expect, it } from 'vitest';
import { problemsOf } from '../../../lab/power/judge.ts';
import type { CutRecord, Found } from '../../../lab/power/record.ts';

const ORIGINAL: Found = {
  state: 'original',
  images: ['same'],
  loaded: 'original',
  module: 'original',
  interrupted: 0,
  places: 'as shipped',
};
const PATCHED: Found = {
  ...ORIGINAL,
  state: 'patched',
  loaded: 'patched',
  module: 'patched',
  places: 'patched',
};
const INTERRUPTED: Found = {
  ...ORIGINAL,
  state: 'interrupted',
  images: ['other'],
  module: 'patched',
  interrupted: 1,
};

type Judged = Omit<CutRecord, 'problems'>;

const FINE: Judged = {
  format: 2,
  shipped: 'as shipped',
  runSeed: 17,
  cut: {
    number: 1,
    way: 'apply',
    after: 'intent module',
    unit: 'writes',
    later: 2,
    kind: 'flushed',
    next: 'rollback',
    seed: 1,
  },
  lastLine: 'intent module',
  answered: false,
  reached: true,
  disk: { writes: 10, flushes: 5, unsafe: 1, lost: 1 },
  boots: true,
  bootSeconds: 20,
  found: INTERRUPTED,
  next: { status: 0, said: '' },
  afterwards: ORIGINAL,
  fsck: 0,
  wallSeconds: 60,
  date: '2026-11-27T23:50:00.000Z',
};

describe('what a power cut must leave', () => {
  it('is a guest that boots, says what it is, and goes on', () => {
    expect(problemsOf(FINE)).toEqual([]);
    expect(problemsOf({ ...FINE, found: ORIGINAL })).toEqual([]);
    expect(problemsOf({ ...FINE, found: PATCHED })).toEqual([]);
    expect(
      problemsOf({
        ...FINE,
        cut: { ...FINE.cut, next: 'apply' },
        afterwards: { ...PATCHED, loaded: 'original' },
      }),
    ).toEqual([]);
  });

  it.each<[string, Partial<Judged>, RegExp]>([
    ['a guest that does not boot', { boots: false, found: null }, /does not boot/],
    ['a moment that never came', { reached: false }, /did not come/],
    ['a guest that was not asked', { afterwards: null }, /not asked/],
    ['a state that nobody left', { found: { ...ORIGINAL, state: 'drifted' } }, /status says drifted/],
    [
      'an image that differs where nothing was interrupted',
      { found: { ...PATCHED, images: ['other'] } },
      /holds: other/,
    ],
    [
      'an image that cannot be read',
      { found: { ...INTERRUPTED, images: ['unreadable'] } },
      /holds: unreadable/,
    ],
    ['no image', { found: { ...ORIGINAL, images: [] } }, /0 initramfs images/],
    ['a driver that is neither', { found: { ...ORIGINAL, loaded: 'another' } }, /loaded driver is another/],
    ['half a module', { found: { ...INTERRUPTED, module: 'another' } }, /module on the disk is another/],
    [
      '“patched” over the shipped module',
      { found: { ...PATCHED, module: 'original' } },
      /and the module on the disk is original/,
    ],
    [
      'an interruption that status does not name',
      { found: { ...ORIGINAL, interrupted: 1 } },
      /with 1 interrupted/,
    ],
    ['a done command that is lost', { answered: true, found: INTERRUPTED }, /had answered/],
    ['a next command that fails', { next: { status: 8, said: 'E_INSTALL' } }, /ended with 8: E_INSTALL/],
    [
      'a next command that settles nothing',
      { afterwards: INTERRUPTED },
      /after rollback: status says interrupted/,
    ],
    ['a rollback that leaves something', { afterwards: { ...ORIGINAL, places: 'else' } }, /byte for byte/],
    ['a file system that is not clean', { fsck: 4 }, /fsck ended with 4/],
    ['a file system that was not checked', { fsck: null }, /fsck ended with null/],
  ])('is not %s', (_, change, words) => {
    expect(problemsOf({ ...FINE, ...change }).join('\n')).toMatch(words);
  });
});
