import { expect, test } from 'vitest';
import { type KillGuest, killGuest } from '../kill-guest.ts';

/*
 * A run that is killed leaves the guest bootable at that moment, and the next call makes it what it was before or what it is
 * after. Half of the kills leave the program that the shell has just started to go on alone.
 */

const SLOW = { timeout: 600_000 };

/** The guests, each with the trees of before and after saved in it; every other kill is one's, so that both cores work. */
async function guests(): Promise<readonly KillGuest[]> {
  const both = [await killGuest(), await killGuest()];
  for (const guest of both) {
    guest.save('before');
    expect(await guest.run(['apply', '--yes'])).toMatchObject({ status: 0, stderr: '' });
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

/** Each time from `from`, and killed before the next of the programs that write, until a run comes to its end. */
async function killEach(
  guest: KillGuest,
  lane: number,
  from: string,
  args: readonly string[],
  then: (where: string, at: number) => Promise<void>,
): Promise<number> {
  for (let at = 1 + lane; ; at += 2) {
    guest.restore(from);
    const ended = await guest.run(args, { at, whom: at % 4 < 2 ? 'shell' : 'all' });
    const where = `${args.join(' ')}, killed at ${at}`;
    if (ended.signal === null) {
      expect({ where, status: ended.status, count: guest.count() < at }).toEqual({
        where,
        status: 0,
        count: true,
      });
      return guest.count();
    }
    guest.requireBootable();
    await then(where, at);
  }
}

test('apply, killed before each program that writes', SLOW, async () => {
  await onEach(async (guest, lane) => {
    guest.restore('before');
    const before = guest.all();
    const count = await killEach(guest, lane, 'before', ['apply', '--yes'], async (where, at) => {
      if (at % 5 === 0) {
        await succeed(guest, ['apply', '--yes'], where);
        expect(guest.isNew(), where).toBe(true);
        guest.requireBootable();
      }
      await succeed(guest, ['rollback', '--yes'], where);
      expect(guest.all(), where).toEqual(before);
    });
    // Module, image, kept image, index, record and manifest: each is written, waited for and renamed.
    expect(count).toBeGreaterThan(60);
  });
});
