import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { applyHarden, undoHarden } from '../../src/harden/apply.ts';
import { hardenUser, hardenUserOf } from '../../src/harden/handlers.ts';
import { planHarden } from '../../src/harden/plan.ts';
import { survey } from '../../src/harden/survey.ts';
import type { Target } from '../../src/machine/port.ts';
import { rootTarget, treeTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';
import { handlerOf } from '../../src/transaction/handler.ts';
import { begin, carryOut, type Planned } from '../../src/transaction/perform.ts';
import { placeOf, transactionFolder } from '../../src/transaction/purpose.ts';
import { settle } from '../../src/transaction/settle.ts';
import { enterState } from '../../src/transaction/state-folders.ts';
import type { Step } from '../../src/transaction/steps.ts';
import { journal, type Transaction, transactions } from '../../src/transaction/store.ts';
import { faultyTarget } from '../faults/faulty-target.ts';
import { stoppedAt } from '../faults/stopped-at.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { type Entries, failureOf, sh, temporary } from '../machine/temporary.ts';
import { ERRORS } from '../recover/guests.ts';

const KNOWLEDGE = { base: '2.6.9', verdict: 'affected' } as const;
const REQUEST = { errors: 'remount-ro', timeout: 180 } as const;

/** A guest without udev: folders, a script, links, sysfs and fstab are changed. */
const RHEL4: Entries = {
  'etc/rc.d/rc.sysinit': '',
  'etc/rc.d/rc3.d/S10network': '',
  'etc/dev.d/x': '',
  'usr/bin/udevinfo': '',
  'etc/fstab': ERRORS,
  'var/lib/x': '',
  'sys/block/sda/device/timeout': '30\n',
  'sys/block/sdb/device/timeout': '60\n',
};

const FOLDER = transactionFolder('harden', 1);
const never = (): AbortSignal => new AbortController().signal;

/** A run that is killed after so many of its changes. */
async function killedAfter(target: Target, planned: readonly Planned[], done: number): Promise<void> {
  const entered = await enterState(target, 'harden');
  await begin(target, 'harden', { number: 1, entered, planned });
  for (const [index, one] of planned.slice(0, done).entries())
    await carryOut(hardenUser, { target, folder: FOLDER, progress: silentProgress }, index, one);
}

/** What the next command that may write does about it; answers how many runs were put back. */
async function finishOpen(target: Target): Promise<number> {
  return (await settle(target, [hardenUser])).length;
}

async function stored(target: Target): Promise<Transaction> {
  const [first] = await transactions(target, 'harden');
  if (first === undefined) throw new Error('there is no record');
  return first;
}

interface Guest {
  readonly root: string;
  readonly target: Target;
  readonly planned: readonly Planned[];
  all(): string[];
}

async function guest(): Promise<Guest> {
  const root = await temporary(RHEL4);
  sh(
    'chmod 640 "$1/etc/fstab"; chown 12:34 "$1/etc/fstab"; find "$1" -exec touch -h -d @1300000000.123456789 {} +',
    root,
  );
  const target = treeTarget('local', root, 'a guest', { dryRun: false });
  const found = await survey(target, KNOWLEDGE, []);
  const { changes } = await planHarden(target, {
    request: REQUEST,
    survey: found,
    init: 'sysvinit-redhat',
    device: undefined,
  });
  return {
    root,
    target,
    planned: changes,
    all: () =>
      // A file of sysfs has no time to keep; the state folder's parent changes with it.
      listing(root, { without: ['var'] }).map((line) =>
        line.startsWith('sys/') ? line.replace(/ \d+ (\w*)$/, ' $1') : line,
      ),
  };
}

test('what is changed on a guest without udev', async () => {
  const { planned } = await guest();
  const kinds = planned.map(({ step }) => step.kind);
  expect(kinds).toEqual([
    'file',
    ...['folder', 'folder', 'folder', 'folder'],
    'file',
    ...['link', 'link', 'link', 'link'],
    ...['sysfs', 'sysfs'],
  ]);
});

describe('a run that was killed after some of its changes is put back by the next one, byte for byte:', () => {
  for (let done = 0; done <= 12; done += 1) {
    test(`after ${done} of 12`, async () => {
      const { target, planned, all } = await guest();
      const before = all();
      await killedAfter(target, planned, done);
      expect(await finishOpen(target)).toBe(1);
      expect(all()).toEqual(before);
      expect(await target.list('/var/lib')).toEqual(['x']);
      expect(await finishOpen(target)).toBe(0);
    });
  }
});

describe('an undo that was killed is finished by the next run:', () => {
  for (const done of [0, 5, 12]) {
    test(`with ${done} of 12 put back`, async () => {
      const { target, planned, all } = await guest();
      const before = all();
      await applyHarden(target, planned, never());
      const { steps } = await stored(target);
      await journal(target, FOLDER, 'rolling-back');
      await undoPart(target, steps.slice(steps.length - done));
      expect(await finishOpen(target)).toBe(1);
      expect(all()).toEqual(before);
    });
  }
});

/** Some of the changes put back, and nothing forgotten, as a kill in the middle leaves it. */
async function undoPart(target: Target, steps: readonly Step[]): Promise<void> {
  const context = { target, folder: FOLDER, isDone: true, becomes: new Map(), left: [] };
  for (const step of steps.toReversed()) await handlerOf(hardenUser, step).undo(context, step);
}

describe('a run that fails or is killed at any effect leaves nothing of it:', () => {
  /** Everything below /var/lib, too: the state itself. */
  const whole = (root: string): string[] =>
    listing(root).map((line) => (line.startsWith('sys/') ? line.replace(/ \d+ (\w*)$/, ' $1') : line));

  test('an effect that fails: put back at once', async () => {
    const { planned, target } = await guest();
    const counted = faultyTarget(target, { at: 0 });
    await applyHarden(counted.target, planned, never());
    expect(counted.effects.length).toBeGreaterThan(40);
    let lost = 0;
    for (let at = 1; at <= counted.effects.length; at += 1) {
      const { root, target: plain } = await guest();
      const before = whole(root);
      const fails = (): void => {
        throw new Error('no space left');
      };
      const { target: faulty, effects } = faultyTarget(plain, { at, before: fails });
      const code = await applyHarden(faulty, planned, never()).then(
        () => 'done',
        (error) => error.failure?.code ?? String(error),
      );
      const what = `effect ${at}, ${effects[at - 1]}`;
      expect([what, code]).toEqual([what, 'E_HARDEN']);
      if (JSON.stringify(whole(root)) !== JSON.stringify(before)) lost += 1;
    }
    expect(lost).toBe(0);
  }, 120_000);

  test.each(['apply', 'undo'] as const)(
    '%s, stopped as by a kill: put back by the next run',
    async (act) => {
      const { planned, target } = await guest();
      const run = async (on: Target): Promise<void> => {
        if (act === 'apply') await applyHarden(on, planned, never());
        else await undoHarden(on, { force: false });
      };
      if (act === 'undo') await applyHarden(target, planned, never());
      const counted = faultyTarget(target, { at: 0 });
      await run(counted.target);
      let lost = 0;
      for (let at = 1; at <= counted.effects.length; at += 1) {
        const one = await guest();
        const before = one.all();
        if (act === 'undo') await applyHarden(one.target, planned, never());
        const applied = one.all();
        await stoppedAt(one.target, at, run);
        await settle(one.target, [hardenUser]);
        const found = JSON.stringify(one.all());
        const left = await transactions(one.target, 'harden');
        // Before its first line an undo was not begun; and the last line of an apply was written before its end.
        const expected = left.length > 0 ? applied : before;
        if (found !== JSON.stringify(expected)) lost += 1;
        if (left.length === 0) expect(await one.target.list('/var/lib')).toEqual(['x']);
        else expect([act, at]).toEqual(['undo', 1]);
      }
      expect(lost).toBe(0);
    },
    120_000,
  );
});

test('a run that was killed before the set was written has changed nothing', async () => {
  const { target, planned, all } = await guest();
  const before = all();
  await target.mkdir('/var/lib/mptfix', 0o700);
  await target.mkdir(placeOf('harden').folder, 0o700);
  await target.mkdir(FOLDER, 0o700);
  await target.copy('/etc/fstab', `${FOLDER}/etc_fstab`);
  expect([await transactions(target, 'harden'), await finishOpen(target)]).toEqual([[], 0]);
  expect([all(), await target.list('/var/lib')]).toEqual([before, ['x']]);
  await applyHarden(target, planned, never());
  expect((await transactions(target, 'harden')).map(({ number }) => number)).toEqual([1]);
});

test('a change that cannot be made puts back all before it', async () => {
  const { target, planned, all } = await guest();
  const before = all();
  const impossible: Planned = {
    step: { kind: 'sysfs', path: '/sys/block/sdz/device/timeout', before: '30', after: '180' },
  };
  const { code } = await failureOf(applyHarden(target, [...planned, impossible], never()));
  expect(code).toBe('E_HARDEN');
  expect(all()).toEqual(before);
});

test('what somebody edited after a kill is not overwritten', async () => {
  const { root, target, planned } = await guest();
  await killedAfter(target, planned, 1);
  sh('echo "# mine" >> "$1/etc/fstab"', root);
  expect((await failureOf(finishOpen(target))).code).toBe('E_FILE_CHANGED');
  expect(readFileSync(join(root, 'etc/fstab'), 'utf8')).toContain('# mine');
});

test('a timeout that a reboot has set back is left alone by the undo', async () => {
  const { root, target, planned, all } = await guest();
  await applyHarden(target, planned, never());
  sh('echo 45 > "$1/sys/block/sda/device/timeout"; rm -r "$1/sys/block/sdb"', root);
  expect(await undoHarden(target, { force: false })).toEqual([
    '/sys/block/sdb/device/timeout: 180 → 60',
    '/sys/block/sda/device/timeout: 180 → 30',
  ]);
  expect(readFileSync(join(root, 'sys/block/sda/device/timeout'), 'utf8')).toBe('45\n');
  expect(all().some((line) => line.includes('mptfix'))).toBe(false);
});

test('a state folder that others may write to, or that is spoiled, is not trusted', async () => {
  const { root, target, planned } = await guest();
  await applyHarden(target, planned, never());
  sh('chmod 777 "$1/var/lib/mptfix/harden"', root);
  expect((await failureOf(transactions(target, 'harden'))).code).toBe('E_STATE_UNSAFE');
  sh('chmod 700 "$1/var/lib/mptfix/harden"; echo "{" > "$1/var/lib/mptfix/harden/1/set.json"', root);
  expect((await failureOf(transactions(target, 'harden'))).code).toBe('E_STATE_UNSAFE');
});

test('what an earlier version of mptfix has kept is refused, with what to do, and nothing of it is taken away', async () => {
  const { root, target, planned } = await guest();
  const earlier = { schema: 'mptfix.harden-set/1', number: 1, created: '', changes: [], folders: [] };
  sh(
    'mkdir -p -m 700 "$1/var/lib/mptfix/harden/1"; echo "$2" > "$1/var/lib/mptfix/harden/1/set.json"',
    root,
    JSON.stringify(earlier),
  );
  const before = listing(root);
  const acts = [
    () => finishOpen(target),
    () => undoHarden(target, { force: true }),
    () => applyHarden(target, planned, never()),
  ];
  for (const act of acts) {
    const { code, next } = await failureOf(act());
    expect([code, next]).toEqual([
      'E_STATE_UNSAFE',
      expect.stringMatching(/earlier version.*undo it.*by hand/),
    ]);
  }
  expect(listing(root)).toEqual(before);
});

test('an applied run that is marked twice stays applied', async () => {
  const { target, planned } = await guest();
  await applyHarden(target, planned, never());
  await journal(target, FOLDER, 'committed');
  expect((await transactions(target, 'harden')).map(({ state }) => state)).toEqual(['committed']);
});

describe('a guest’s tree', () => {
  test('gets fstab, the rule and its device’s superblock; killed in the middle, all is put back', async () => {
    const root = await temporary({
      'etc/fstab': ERRORS,
      'sbin/udevadm': '',
      'var/lib/x': '',
      'lib/modules/x': '',
    });
    const image = join(await temporary(), 'image');
    sh('truncate -s 16M "$1"; mkfs.ext3 -q -F -e continue "$1"', image);
    const policy = (): string =>
      sh('dumpe2fs -h "$1" 2>/dev/null | sed -n "s/^Errors behavior: *//p"', image).trim();
    const all = () => listing(root, { without: ['var'] });
    const before = all();
    const args = [
      'harden',
      '--root',
      root,
      '--device',
      image,
      '--apply',
      'errors=remount-ro',
      'timeout=180',
      '--yes',
      '--json',
    ];
    const run = await mptfix(args);
    expect([run.status, json(run).result, policy()]).toEqual([0, 'applied', 'Remount read-only']);
    expect(readFileSync(join(root, 'etc/fstab'), 'utf8')).toBe(
      ERRORS.replace('errors=continue', 'errors=remount-ro'),
    );
    expect(json(await mptfix(args)).result).toBe('nothing-to-do');
    // The mark that the run had come to its end is lost: as if it was killed just before.
    sh(`sed -i '$d' "$1/var/lib/mptfix/harden/1/journal.ndjson"`, root);
    const target = rootTarget(root, { dryRun: false });
    // The tree may not say which device is its own: the command line does.
    const { code } = await failureOf(settle(target, [hardenUser]));
    expect([code, policy()]).toEqual(['E_STATE_UNSAFE', 'Remount read-only']);
    expect([(await settle(target, [hardenUserOf(image)])).length, policy()]).toEqual([1, 'Continue']);
    expect(all()).toEqual(before);
  });

  test('whose image is in use as a loop device, or has no ext on it, is refused', async () => {
    const root = await temporary({ 'etc/fstab': ERRORS, 'sbin/udevadm': '', 'lib/modules/x': '' });
    const image = join(await temporary(), 'image');
    sh('truncate -s 16M "$1"; mkfs.ext3 -q -F "$1"', image);
    const args = (device: string) => [
      'harden',
      '--root',
      root,
      '--device',
      device,
      '--apply',
      'errors=panic',
      '--yes',
      '--json',
    ];
    const loop = sh('losetup -f --show "$1"', image).trim();
    try {
      expect(json(await mptfix(args(image))).error.code).toBe('E_DEVICE_BUSY');
    } finally {
      sh('losetup -d "$1"', loop);
    }
    expect(json(await mptfix(args(join(root, 'etc/fstab')))).error.code).toBe('E_TARGET_MISSING');
    expect(json(await mptfix(args('/nowhere'))).error.code).toBe('E_TARGET_MISSING');
  });

  test('without --device says that superblocks are not set; of systemd without udev it is refused', async () => {
    const root = await temporary({ 'etc/fstab': ERRORS, 'lib/systemd/systemd': '', 'lib/modules/x': '' });
    const dry = await mptfix([
      'harden',
      '--root',
      root,
      '--apply',
      'errors=remount-ro',
      '--dry-run',
      '--json',
    ]);
    expect(json(dry).notes).toEqual([
      'superblocks are not set: give --device the guest’s partition or its image',
    ]);
    const refused = await mptfix(['harden', '--root', root, '--apply', 'timeout=180', '--yes', '--json']);
    expect(json(refused).error.code).toBe('E_UDEV_MISSING');
  });
});
