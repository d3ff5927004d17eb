import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { generations } from '../../src/install/generations.ts';
import { planRollback, rollback, undoneTogether } from '../../src/install/rollback.ts';
import { finishOpen } from '../faults/finish-open.ts';
import { listing } from '../helpers/listing.ts';
import { failureOf, sh } from '../machine/temporary.ts';
import {
  addModule,
  installed,
  MODULE,
  MODULES,
  RELEASE,
  type SmallGuest,
  smallGuest,
} from './small-guest.ts';

const wish = { kernel: RELEASE, to: undefined, force: false };

async function back(guest: SmallGuest, force = false) {
  const [generation] = (await planRollback(guest.target, { ...wish, force })).undo;
  if (generation === undefined) throw new Error('nothing to roll back');
  return rollback(guest.target, generation, force);
}

const states = async (guest: SmallGuest) =>
  (await generations(guest.target)).map(({ number, state }) => `${number} ${state}`);

describe('a rollback', () => {
  test('gives back bytes, mode, owner, nanoseconds and extended attributes of all that was touched', async () => {
    const guest = await smallGuest();
    const before = guest.all();
    await installed(guest);
    expect(guest.all()).not.toEqual(before);
    expect(await back(guest)).toEqual({ index: 'restored', images: [], left: [] });
    expect(guest.all()).toEqual(before);
    expect(sh('getfattr --only-values -n user.origin "$1"', join(guest.root, MODULE))).toBe('distro');
    expect(await states(guest)).toEqual(['1 rolled-back']);
  });

  test('takes away what the index did not have before', async () => {
    const guest = await smallGuest();
    sh('rm "$1/modules.symbols.bin" "$1/modules.devname"', join(guest.root, MODULES));
    const before = guest.modules();
    await installed(guest);
    expect(guest.modules()).not.toEqual(before);
    await back(guest);
    expect(guest.modules().map((line) => line.replace(/^(\S+ d \S+ \S+) \d+/, '$1'))).toEqual(
      before.map((line) => line.replace(/^(\S+ d \S+ \S+) \d+/, '$1')),
    );
  });

  test('a second time has nothing to do, and says so', async () => {
    const guest = await smallGuest();
    await installed(guest);
    await back(guest);
    const before = listing(guest.root);
    const { undo, why } = await planRollback(guest.target, wish);
    expect([undo, why]).toEqual([[], expect.stringContaining('has nothing installed for')]);
    expect(listing(guest.root)).toEqual(before);
  });

  test('rebuilds the index where another module was entered since, and does not lose that module', async () => {
    const guest = await smallGuest();
    const original = readFileSync(join(guest.root, MODULE));
    await installed(guest);
    addModule(guest, `${MODULES}/updates/other.ko`, 'other');
    expect((await back(guest)).index).toBe('index rebuilt');
    expect(readFileSync(join(guest.root, MODULE)).equals(original)).toBe(true);
    const index = readFileSync(join(guest.root, MODULES, 'modules.dep'), 'utf8');
    expect(index).toMatch(/^updates\/other\.ko:/m);
    expect(index).toMatch(/\/mptscsih\.ko:/);
  });

  test('does not overwrite what somebody else has put there, but by force', async () => {
    const guest = await smallGuest();
    const original = readFileSync(join(guest.root, MODULE));
    await installed(guest);
    writeFileSync(join(guest.root, MODULE), 'what a kernel update brought');
    const before = listing(guest.root);
    const { code, next } = await failureOf(back(guest));
    expect([code, next]).toEqual(['E_FILE_CHANGED', expect.stringContaining('--force')]);
    expect(listing(guest.root)).toEqual(before);
    await back(guest, true);
    expect(readFileSync(join(guest.root, MODULE)).equals(original)).toBe(true);
  });

  test('brings the module back that was removed, but only by force', async () => {
    const guest = await smallGuest();
    const before = guest.modules();
    await installed(guest);
    sh('rm "$1"', join(guest.root, MODULE));
    expect((await failureOf(back(guest))).code).toBe('E_FILE_CHANGED');
    await back(guest, true);
    expect(guest.modules()).toEqual(before);
  });

  test('clears away what a killed run or a killed depmod was writing, and nothing else', async () => {
    const guest = await smallGuest();
    const before = guest.modules();
    await installed(guest);
    const folder = join(guest.root, MODULE, '..');
    writeFileSync(join(folder, '.mptscsih.ko.mptfix-0123456789ab.tmp'), 'half');
    // A process id that is none: beyond the kernel's PID_MAX_LIMIT.
    writeFileSync(join(guest.root, MODULES, 'modules.dep.bin.4999999.123.1700000000'), 'half');
    await back(guest);
    expect(guest.modules()).toEqual(before);
  });

  test('leaves a file that only looks so', async () => {
    const guest = await smallGuest();
    await installed(guest);
    const kept = ['modules.dep.old', 'modules.mine.4999999.1.2', '.swp'];
    for (const name of kept) writeFileSync(join(guest.root, MODULES, name), 'x');
    await back(guest);
    expect(await guest.target.list(MODULES)).toEqual(expect.arrayContaining(kept));
  });
});

test('the undos of several generations are told together: nothing that any of them left is lost', () => {
  const image = (how: 'restored' | 'rebuilt') => ({ path: '/boot/initrd.img', how });
  const [one, two] = [
    { index: 'index rebuilt', images: [image('rebuilt')], left: ['/lib/a.ko'] },
    { index: 'restored', images: [image('restored')], left: ['/lib/b.ko', '/lib/a.ko'] },
  ] as const;
  expect(undoneTogether([one, two])).toEqual({
    index: 'index rebuilt',
    images: [image('rebuilt'), image('restored')],
    left: ['/lib/a.ko', '/lib/b.ko'],
  });
});

describe('--to', () => {
  test('the generation in force is nothing to do; another is refused; 0 is the distro’s', async () => {
    const guest = await smallGuest();
    await installed(guest);
    const at = (to: number) => planRollback(guest.target, { ...wish, to });
    expect((await at(1)).undo).toEqual([]);
    expect((await failureOf(at(2))).code).toBe('E_GENERATION_MISSING');
    expect((await at(0)).undo.map(({ number }) => number)).toEqual([1]);
  });

  test('goes down the stack: without it one, with it as far as it says, the newest first', async () => {
    const guest = await smallGuest();
    const seen: string[][] = [guest.modules()];
    for (const variant of [2, 3, 4]) {
      await installed(guest, variant);
      seen.push(guest.modules());
    }
    const numbers = async (to?: number) =>
      (await planRollback(guest.target, { ...wish, to })).undo.map(({ number }) => number);
    expect([await numbers(), await numbers(2), await numbers(1), await numbers(0)]).toEqual([
      [3],
      [3],
      [3, 2],
      [3, 2, 1],
    ]);
    await back(guest);
    expect([guest.modules(), await states(guest)]).toEqual([
      seen[2],
      ['1 installed', '2 installed', '3 rolled-back'],
    ]);
    await back(guest);
    await back(guest);
    expect(guest.modules()).toEqual(seen[0]);
  });

  test('another kernel’s generation is not this one’s', async () => {
    const guest = await smallGuest();
    await installed(guest);
    const other = { ...wish, kernel: '5.10.0-1-amd64' };
    expect((await planRollback(guest.target, other)).undo).toEqual([]);
  });
});

describe('generations', () => {
  test('are numbered on after a rollback, and each keeps its own originals', async () => {
    const guest = await smallGuest();
    const before = guest.modules();
    await installed(guest);
    await back(guest);
    expect((await installed(guest, 3)).generation).toBe(2);
    expect(await states(guest)).toEqual(['1 rolled-back', '2 installed']);
    await back(guest);
    expect([await states(guest), guest.modules()]).toEqual([['1 rolled-back', '2 rolled-back'], before]);
  });

  test('that a kernel update has overwritten are replaced, and are not gone back to', async () => {
    const guest = await smallGuest();
    await installed(guest);
    addModule(guest, MODULE, 'mptscsih');
    const updated = guest.modules();
    expect((await installed(guest, 4)).generation).toBe(2);
    expect(await states(guest)).toEqual(['1 replaced', '2 installed']);
    expect((await back(guest)).index).toBe('restored');
    expect(guest.modules()).toEqual(updated);
    expect((await planRollback(guest.target, wish)).undo).toEqual([]);
  });
});

test('a rollback that cannot write is E_INSTALL_UNDO, and is finished by the next run', async () => {
  const guest = await smallGuest();
  const before = guest.modules();
  await installed(guest);
  const folder = join(guest.root, MODULE, '..');
  sh('mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"', folder);
  try {
    const { code, next } = await failureOf(back(guest));
    expect([code, next]).toEqual(['E_INSTALL_UNDO', expect.stringContaining('`mptfix rollback` again')]);
    expect(await states(guest)).toEqual(['1 open']);
  } finally {
    sh('umount "$1"', folder);
  }
  expect((await finishOpen(guest.target)).map(({ generation, how }) => [generation, how])).toEqual([
    [1, 'finished'],
  ]);
  expect([guest.modules(), await states(guest)]).toEqual([before, ['1 rolled-back']]);
});

test('nothing is open where all ended well', async () => {
  const guest = await smallGuest();
  expect(await finishOpen(guest.target)).toEqual([]);
  await installed(guest);
  const before = listing(guest.root);
  expect(await finishOpen(guest.target)).toEqual([]);
  expect(listing(guest.root)).toEqual(before);
  appendFileSync(join(guest.root, 'var/lib/mptfix/generations/1/journal.ndjson'), '{"time":"x","ev');
  expect(await states(guest)).toEqual(['1 installed']);
});
