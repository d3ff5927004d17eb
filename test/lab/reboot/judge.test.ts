import { describe, expect, it } from 'vitest';
import type { Found } from '../../../lab/power/record.ts';
import { problemsOf } from '../../../lab/reboot/judge.ts';
import type { Boot } from '../../../lab/reboot/trip.ts';

const found = (driver: 'original' | 'patched'): Found => ({
  state: driver,
  images: ['same'],
  loaded: driver,
  module: driver,
  interrupted: 0,
  places: 'as shipped',
});
const DONE = { words: 'a command', status: 0, said: '' };
const FIRST: Boot = { found: found('original'), command: DONE };
const SECOND: Boot = {
  found: found('patched'),
  writes: { done: 40, lost: 0, busyAnswers: 800 },
  command: DONE,
};
const THIRD: Boot = { found: found('original'), writes: { done: 5, lost: 35, busyAnswers: 30 } };

describe('three boots', () => {
  it('are as expected where the patched guest loses nothing and the original one does', () => {
    expect(problemsOf([FIRST, SECOND, THIRD])).toEqual([]);
  });

  it.each<[string, readonly Boot[], RegExp]>([
    ['too few', [FIRST, SECOND], /2 boots/],
    [
      'an apply that failed',
      [{ ...FIRST, command: { ...DONE, status: 8 } }, SECOND, THIRD],
      /apply ended with 8/,
    ],
    ['no apply', [{ found: found('original') }, SECOND, THIRD], /apply ended with undefined/],
    [
      'the old driver in the kernel',
      [FIRST, { ...SECOND, found: { ...SECOND.found, loaded: 'original' } }, THIRD],
      /after apply and a reboot: the loaded driver is original/,
    ],
    [
      'an initramfs with another driver',
      [FIRST, { ...SECOND, found: { ...SECOND.found, images: ['other'] } }, THIRD],
      /initramfs holds other/,
    ],
    [
      'a lost write',
      [FIRST, { ...SECOND, writes: { done: 39, lost: 1, busyAnswers: 800 } }, THIRD],
      /1 writes were lost/,
    ],
    [
      'a failure that never reached the patched guest',
      [FIRST, { ...SECOND, writes: { done: 40, lost: 0, busyAnswers: 0 } }, THIRD],
      /patched guest’s disk never answered BUSY/,
    ],
    [
      'a guest that was not asked to write',
      [FIRST, { found: found('patched'), command: DONE }, THIRD],
      /undefined writes were lost/,
    ],
    [
      'a rollback that left the driver',
      [FIRST, SECOND, { ...THIRD, found: found('patched') }],
      /after rollback and a reboot: status says patched/,
    ],
    [
      'a rollback that leaves something',
      [FIRST, SECOND, { ...THIRD, found: { ...THIRD.found, places: 'else' } }],
      /byte for byte/,
    ],
    [
      'no failure with the original driver',
      [FIRST, SECOND, { ...THIRD, writes: { done: 40, lost: 0, busyAnswers: 30 } }],
      /with the original driver no write was lost/,
    ],
  ])('are not as expected with %s', (_, boots, words) => {
    expect(problemsOf(boots).join('\n')).toMatch(words);
  });
});
