import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { handlerOf } from '../../src/harden/handlers.ts';
import { begin, finishOpenSets, make, type Planned, perform, undoSet } from '../../src/harden/perform.ts';
import { planHarden } from '../../src/harden/plan.ts';
import { HARDEN_FOLDER, markApplied, markOpen, setFolder, storedSets } from '../../src/harden/sets.ts';
import { survey } from '../../src/harden/survey.ts';
import type { Target } from '../../src/machine/port.ts';
import { rootTarget, treeTarget } from '../../src/machine/tree.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { type Entries, failureOf, sh, temporary } from '../machine/temporary.ts';
import { ERRORS } from '../recover/guests.ts';

const KNOWLEDGE = { base: '2.6.9', verdict: 'affected' } as const;
const WISH = { errors: 'remount-ro', timeout: 180 } as const;

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
    wish: WISH,
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
  const kinds = planned.map(({ change }) => change.kind);
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
      await begin(target, planned);
      for (const one of planned.slice(0, done)) await make(target, one);
      expect(await finishOpenSets(target)).toBe(1);
      expect(all()).toEqual(before);
      expect(await target.list('/var/lib')).toEqual(['x']);
      expect(await finishOpenSets(target)).toBe(0);
    });
  }
});

describe('an undo that was killed is finished by the next run:', () => {
  for (const done of [0, 5, 12]) {
    test(`with ${done} of 12 put back`, async () => {
      const { target, planned, all } = await guest();
      const before = all();
      await perform(target, planned, new AbortController().signal);
      const [stored] = await storedSets(target);
      if (stored === undefined) throw new Error('there is no set');
      await markOpen(target, 1);
      const part = stored.set.changes.slice(stored.set.changes.length - done);
      await undoPart(target, part, stored.set.number);
      expect(await finishOpenSets(target)).toBe(1);
      expect(all()).toEqual(before);
    });
  }
});

/** Some of the changes put back, and nothing forgotten, as a kill in the middle leaves it. */
async function undoPart(
  target: Target,
  changes: readonly Planned['change'][],
  number: number,
): Promise<void> {
  for (const change of changes.toReversed()) await handlerOf(change).putBack(target, change, number);
}

test('a run that was killed before the set was written has changed nothing', async () => {
  const { target, planned, all } = await guest();
  const before = all();
  await target.mkdir('/var/lib/mptfix', 0o700);
  await target.mkdir(HARDEN_FOLDER, 0o700);
  await target.mkdir(setFolder(1), 0o700);
  await target.copy('/etc/fstab', `${setFolder(1)}/etc_fstab`);
  expect([await storedSets(target), await finishOpenSets(target)]).toEqual([[], 0]);
  expect([all(), await target.list('/var/lib')]).toEqual([before, ['x']]);
  await perform(target, planned, new AbortController().signal);
  expect((await storedSets(target)).map(({ set }) => set.number)).toEqual([1]);
});

test('a change that cannot be made puts back all before it', async () => {
  const { target, planned, all } = await guest();
  const before = all();
  const impossible: Planned = {
    change: { kind: 'sysfs', path: '/sys/block/sdz/device/timeout', before: '30', after: '180' },
  };
  const { code } = await failureOf(perform(target, [...planned, impossible], new AbortController().signal));
  expect(code).toBe('E_HARDEN');
  expect(all()).toEqual(before);
});

test('what somebody edited after a kill is not overwritten', async () => {
  const { root, target, planned } = await guest();
  await begin(target, planned);
  for (const one of planned.slice(0, 1)) await make(target, one);
  sh('echo "# mine" >> "$1/etc/fstab"', root);
  expect((await failureOf(finishOpenSets(target))).code).toBe('E_FILE_CHANGED');
  expect(readFileSync(join(root, 'etc/fstab'), 'utf8')).toContain('# mine');
});

test('a timeout that a reboot has set back is left alone by the undo', async () => {
  const { root, target, planned, all } = await guest();
  await perform(target, planned, new AbortController().signal);
  sh('echo 45 > "$1/sys/block/sda/device/timeout"; rm -r "$1/sys/block/sdb"', root);
  const [stored] = await storedSets(target);
  if (stored === undefined) throw new Error('there is no set');
  expect(await undoSet(target, stored.set)).toEqual([
    '/sys/block/sdb/device/timeout: 180 → 60',
    '/sys/block/sda/device/timeout: 180 → 30',
  ]);
  expect(readFileSync(join(root, 'sys/block/sda/device/timeout'), 'utf8')).toBe('45\n');
  expect(all().some((line) => line.includes('mptfix'))).toBe(false);
});

test('a state folder that others may write to, or that is spoiled, is not trusted', async () => {
  const { root, target, planned } = await guest();
  await perform(target, planned, new AbortController().signal);
  sh('chmod 777 "$1/var/lib/mptfix/harden"', root);
  expect((await failureOf(storedSets(target))).code).toBe('E_STATE_UNSAFE');
  sh('chmod 700 "$1/var/lib/mptfix/harden"; echo "{" > "$1/var/lib/mptfix/harden/1/set.json"', root);
  expect((await failureOf(storedSets(target))).code).toBe('E_STATE_UNSAFE');
});

test('an applied set that is marked twice stays applied', async () => {
  const { target, planned } = await guest();
  await perform(target, planned, new AbortController().signal);
  await markApplied(target, 1);
  expect((await storedSets(target)).map(({ state }) => state)).toEqual(['applied']);
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
    sh('rm "$1/var/lib/mptfix/harden/1/applied"', root);
    const target = rootTarget(root, { dryRun: false });
    expect([await finishOpenSets(target), policy()]).toEqual([1, 'Continue']);
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
