import { existsSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rootTarget } from '../../../src/machine/tree.ts';
import { isAtWork, lockGuest } from '../../../src/transaction/lock.ts';
import { failureOf, sh, until } from '../../machine/temporary.ts';
import { type BusyGuest, busyGuest, type Run } from '../busy-guest.ts';

const SLOW = { timeout: 240_000 };
const APPLY = ['apply', '--yes', '--json'];
const ROLLBACK = ['rollback', '--yes', '--json'];

interface Said {
  readonly status: number | null;
  readonly code?: string;
  readonly what?: string;
  readonly next?: string;
  readonly result?: string;
}

/** What a run answers in its one line. */
async function said({ ended }: Run): Promise<Said> {
  const { status, stdout, stderr } = await ended;
  expect(stdout.trim().split('\n'), stdout + stderr).toHaveLength(1);
  const { error, result } = JSON.parse(stdout);
  return { status, result, ...error };
}

async function installs(guest: BusyGuest): Promise<void> {
  expect(await said(guest.start(APPLY))).toMatchObject({ status: 0, result: 'installed' });
}

const linkOf = ({ root }: BusyGuest): string => join(root, 'var/lib/mptfix-lock');

/** `flock` is a guest with that program. mksh keeps a descriptor of its `exec` from what it starts. */
describe.each([
  ['dash', [], 'neither'],
  ['dash', ['flock'], 'flock'],
  ['mksh', [], 'neither'],
  ['busybox sh', [], 'neither'],
] as const)('under %s, with the program %s', (shell, tools, has) => {
  test(
    `a second run, and mptfix, wait for the first, and each for mptfix (${shell}, ${has})`,
    SLOW,
    async () => {
      const guest = await busyGuest(shell.split(' '), tools);
      const target = rootTarget(guest.root, { dryRun: false });
      const inTree = (): readonly string[] => guest.all().filter((line) => !/^(?:work|$| )/.test(line));
      const before = inTree();
      guest.hold();
      const first = guest.start(APPLY);
      await guest.atWork();
      for (const args of [APPLY, ROLLBACK])
        expect(await said(guest.start(args))).toMatchObject({ status: 12, code: 'E_LOCKED' });
      expect(await isAtWork(target)).toBe(true);
      expect((await failureOf(lockGuest(target))).code).toBe('E_LOCKED');

      // Its shell is killed; what it has started goes on, and would write when the next run has put things back.
      process.kill(first.pid, 'SIGKILL');
      await first.ended;
      const refused = await said(guest.start(ROLLBACK));
      expect(refused).toMatchObject({ status: 12, code: 'E_LOCKED' });
      expect((await failureOf(lockGuest(target))).code).toBe('E_LOCKED');
      guest.goOn();
      await until(async () => !(await isAtWork(target)));
      expect(await said(guest.start(ROLLBACK))).toMatchObject({ status: 0, result: 'settled' });
      expect(inTree()).toEqual(before);

      const held = await lockGuest(target);
      expect(await said(guest.start(APPLY))).toMatchObject({ status: 12, code: 'E_LOCKED' });
      await held.release();
      await installs(guest);
      expect(existsSync(linkOf(guest))).toBe(false);
    },
  );
});

test('a link of a dead process, or of one whose number was given again, is no lock', SLOW, async () => {
  const guest = await busyGuest(['dash']);
  const dead = sh('sh -c "echo \\$\\$"').trim();
  const mine = process.pid;
  for (const text of [`${dead}.4711`, `${dead}.`, `${mine}.1`]) {
    symlinkSync(text, linkOf(guest));
    await installs(guest);
    expect(await said(guest.start(ROLLBACK))).toMatchObject({ status: 0, result: 'rolled-back' });
    expect(existsSync(linkOf(guest))).toBe(false);
  }
  // Without /proc a number that lives may be anybody's: it is said how to go on.
  symlinkSync(`${mine}.1`, linkOf(guest));
  const doubt = await said(guest.start(APPLY, { proc: false }));
  expect(doubt).toMatchObject({ status: 12, code: 'E_LOCKED' });
  expect(doubt.next).toContain('rm /var/lib/mptfix-lock');
  rmSync(linkOf(guest));
  symlinkSync(`${dead}.1`, linkOf(guest));
  expect(await said(guest.start(APPLY, { proc: false }))).toMatchObject({ status: 0, result: 'installed' });
  // One that was taken without /proc holds against a run that has it.
  symlinkSync(`${mine}.`, linkOf(guest));
  expect(await said(guest.start(ROLLBACK))).toMatchObject({ status: 12 });
  for (const text of ['../../etc/passwd', 'words', '-1.2', '.5']) {
    rmSync(linkOf(guest));
    symlinkSync(text, linkOf(guest));
    expect(await said(guest.start(ROLLBACK)), text).toMatchObject({ status: 12, code: 'E_LOCKED' });
    expect(readlinkSync(linkOf(guest))).toBe(text);
  }
});

test('of many that find the link of a dead process, one alone takes it over', SLOW, async () => {
  const guest = await busyGuest(['dash']);
  const dead = sh('sh -c "echo \\$\\$"').trim();
  const began = join(guest.root, 'work/began');
  sh(
    `cd "$1/sbin"; printf '#!/bin/dash\\necho begun >>/work/began\\nexec /sbin/true-mkinitrd "$@"\\n' >mkinitrd`,
    guest.root,
  );
  for (let time = 0; time < 3; time += 1) {
    rmSync(began, { force: true });
    symlinkSync(`${dead}.${time}`, linkOf(guest));
    const all = await Promise.all(Array.from({ length: 6 }, () => said(guest.start(APPLY))));
    const results = all.map(({ status, result }) => result ?? String(status));
    expect(
      results.every((one) => ['installed', 'unchanged', '12'].includes(one)),
      results.join(),
    ).toBe(true);
    expect(results.filter((one) => one === 'installed')).toHaveLength(1);
    expect(sh('wc -l <"$1"', began).trim()).toBe('1');
    expect(sh('ls "$1/var/lib"', guest.root)).not.toContain('mptfix-lock');
    expect(await said(guest.start(ROLLBACK))).toMatchObject({ status: 0, result: 'rolled-back' });
  }
});
