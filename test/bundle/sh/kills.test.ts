import { expect, test } from 'vitest';
import { type KillGuest, killGuest } from '../kill-guest.ts';

/*
 * A run that is killed leaves the guest bootable at that moment, and the next call makes it what it was before or what it is
 * after. Half of the kills leave the program that the shell has just started to go on alone.
 */

const SLOW = { timeout: 600_000 };
const APPLY = ['apply', '--yes'];
const ROLLBACK = ['rollback', '--yes'];
/** Programs from the last line of the journal to the end. */
const LAST_STEPS = 4;

/** The guests, each with the trees of before and after saved in it; every other kill is one's, so that both cores work. */
async function guests(): Promise<readonly KillGuest[]> {
  const both = [await killGuest(), await killGuest()];
  for (const guest of both) {
    guest.save('before');
    expect(await guest.run(APPLY)).toMatchObject({ status: 0, stderr: '' });
    guest.save('after');
  }
  return both;
}

async function onEach(act: (guest: KillGuest, lane: number) => Promise<void>): Promise<void> {
  const both = await guests();
  await Promise.all(both.map(act));
}

async function succeed(guest: KillGuest, args: readonly string[], where: string): Promise<void> {
  const { status, stdout, stderr } = await guest.run(args);
  expect({ where, status, said: stdout + stderr }).toMatchObject({ where, status: 0 });
}

interface Killing {
  /** The tree that each run begins with. */
  readonly from: string;
  readonly args: readonly string[];
  /** Every how many of the moments; 1 is each. */
  readonly stride?: number;
  /** What follows a kill; `index`: of its moment. */
  readonly then: (where: string, index: number) => Promise<void>;
}

/** Kills a run at the first of its moments, the next run at the next; answers how many moments and programs a whole one has. */
async function killEach(
  guest: KillGuest,
  lane: number,
  { from, args, stride = 1, then }: Killing,
): Promise<{ readonly moments: number; readonly programs: number }> {
  guest.restore(from);
  const moments = await guest.moments(args);
  const programs = guest.count();
  for (const [index, at] of moments.entries()) {
    if (index % (2 * stride) !== lane * stride) continue;
    guest.restore(from);
    const whom = index % 4 < 2 ? 'shell' : 'all';
    const ended = await guest.run(args, { at, whom });
    const where = `${args.join(' ')}, killed at ${at} of ${programs}: ${whom}`;
    expect({ where, signal: ended.signal }).toEqual({ where, signal: 'SIGKILL' });
    guest.requireBootable();
    await then(where, index);
  }
  return { moments: moments.length, programs };
}

/** All of a tree, as it is saved. */
function allOf(guest: KillGuest, name: string): readonly string[] {
  guest.restore(name);
  return guest.all();
}

test('apply, killed before each program that writes', SLOW, async () => {
  await onEach(async (guest, lane) => {
    const before = allOf(guest, 'before');
    const then = async (where: string, index: number): Promise<void> => {
      if (index % 5 === 0) {
        await succeed(guest, APPLY, where);
        expect(guest.isNew(), where).toBe(true);
        guest.requireBootable();
      }
      await succeed(guest, ROLLBACK, where);
      expect(guest.all(), where).toEqual(before);
    };
    const { moments, programs } = await killEach(guest, lane, { from: 'before', args: APPLY, then });
    // Record, module, index, kept image, image, what is kept about the image, manifest, and some lines of the journal.
    expect(programs).toBeGreaterThan(80);
    expect(moments).toBeGreaterThan(50);
  });
});

test('rollback, killed before each program that writes', SLOW, async () => {
  await onEach(async (guest, lane) => {
    const before = allOf(guest, 'before');
    const after = allOf(guest, 'after');
    const then = async (where: string, index: number): Promise<void> => {
      if (index % 5 === 0) {
        await succeed(guest, APPLY, where);
        expect(guest.isNew(), where).toBe(true);
        guest.requireBootable();
        return;
      }
      await succeed(guest, ROLLBACK, where);
      expect(guest.all(), where).toEqual(before);
    };
    const { moments, programs } = await killEach(guest, lane, { from: 'after', args: ROLLBACK, then });
    expect(after).not.toEqual(before);
    // Each of the files that apply has changed, and three lines of the journal.
    expect(programs).toBeGreaterThan(30);
    expect(moments).toBeGreaterThan(15);
  });
});

test('what puts an interrupted run back, killed as well', SLOW, async () => {
  await onEach(async (guest, lane) => {
    const before = allOf(guest, 'before');
    // The last moment at which apply is not done: all is changed.
    const written = (await guest.run(APPLY)).status === 0 ? guest.count() : 0;
    guest.restore('before');
    await guest.run(APPLY, { at: written - LAST_STEPS, whom: 'all' });
    expect(guest.isNew()).toBe(true);
    guest.save('interrupted');
    const then = async (where: string): Promise<void> => {
      await succeed(guest, ROLLBACK, where);
      expect(guest.all(), where).toEqual(before);
    };
    for (const args of [ROLLBACK, APPLY])
      await killEach(guest, lane, { from: 'interrupted', args, stride: args === APPLY ? 4 : 1, then });
  });
});

test('apply, rollback and what puts back, killed at a hundred moments', SLOW, async () => {
  await onEach(async (guest, lane) => {
    const before = allOf(guest, 'before');
    for (const [from, args, times] of [
      ['before', APPLY, 30],
      ['after', ROLLBACK, 20],
    ] as const) {
      guest.restore(from);
      const begun = performance.now();
      await succeed(guest, args, 'whole');
      const whole = performance.now() - begun;
      for (let time = 0; time < times; time += 1) {
        guest.restore(from);
        // Moments only choose where: whatever the machine does meanwhile, each is one.
        const moment = (whole * ((time * 37 + lane * 17) % 100)) / 100;
        await guest.runFor(args, moment);
        guest.requireBootable();
        const where = `${args.join(' ')}, killed after ${moment} ms`;
        if (time % 5 === 0) await guest.runFor(ROLLBACK, moment / 2);
        await succeed(guest, ROLLBACK, where);
        expect(guest.all(), where).toEqual(before);
      }
    }
  });
});
