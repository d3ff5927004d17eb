import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Target } from '../../../src/machine/port.ts';
import { treeTarget } from '../../../src/machine/tree.ts';
import { silentProgress } from '../../../src/progress.ts';
import { begin, carryOut } from '../../../src/transaction/perform.ts';
import { transactionFolder } from '../../../src/transaction/purpose.ts';
import { settle } from '../../../src/transaction/settle.ts';
import { enterState } from '../../../src/transaction/state-folders.ts';
import { transactions } from '../../../src/transaction/store.ts';
import { installSchedule, planSchedule, scheduleSteps } from '../../../src/watch/schedule/install.ts';
import type { Job } from '../../../src/watch/schedule/scheduler.ts';
import { scheduleUser } from '../../../src/watch/schedule/user.ts';
import { faultyTarget } from '../../faults/faulty-target.ts';
import { stoppedAt } from '../../faults/stopped-at.ts';
import { BIN, json, mptfix } from '../../helpers/cli.ts';
import { listing } from '../../helpers/listing.ts';
import { privateMachine } from '../../helpers/private-machine.ts';
import { type Entries, failureOf, sh, temporary } from '../../machine/temporary.ts';

/** The guests of each scheduler; of the first, also with what an earlier version of the schedule had, and a masked unit. */
const GUESTS: Readonly<Record<string, Entries>> = {
  systemd: { 'run/systemd/system/x': '', 'etc/systemd/system/other.service': '' },
  'systemd, with a schedule of before': {
    'run/systemd/system/x': '',
    'etc/systemd/system/mptfix-watch.service': 'the old one\n',
    'etc/systemd/system/mptfix-watch.timer': { link: '/dev/null' },
    'etc/systemd/system/mptfix-watch-memory.service': 'the old one, which goes\n',
    'etc/systemd/system/multi-user.target.wants/mptfix-watch-memory.service': { link: '../gone' },
  },
  'cron.d': { 'etc/cron.d/other': '' },
  crontab: { 'etc/crontab': '17 * * * * root run-parts /etc/cron.hourly\n' },
};

const JOB: Job = {
  command: ['/usr/bin/node', '/opt/mptfix/bin/mptfix.cjs', 'watch', 'once'],
  load: undefined,
  environment: {},
  everyMinutes: 1,
};

interface Guest {
  readonly root: string;
  readonly target: Target;
  /** What was asked of the scheduler. */
  readonly asked: string[];
  all(): string[];
}

/** Times of all files and folders are old, so that each that changes is seen. */
async function guestOf(entries: Entries): Promise<Guest> {
  const root = await temporary({ ...entries, 'var/lib/x': '', 'etc/fstab': '' });
  sh('find "$1" -exec touch -h -d @1300000000.123456789 {} +', root);
  const asked: string[] = [];
  const tree = treeTarget('local', root, 'a guest', { dryRun: false });
  const run: Target['run'] = async (argv, options) => {
    if (argv[0] !== 'systemctl') return tree.run(argv, options);
    asked.push(argv.slice(1).join(' '));
    return { status: 0, stdout: Buffer.alloc(0), stderr: '' };
  };
  const all = (): string[] => untimedLinks(listing(root, { without: ['var'] }));
  return { root, target: { ...tree, run }, asked, all };
}

/** A link that was replaced and made again has its old text; its own time is nobody's business. */
function untimedLinks(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/^(\S+ l \S+ \S+) \d+/, '$1'));
}

async function installOn(target: Target): Promise<void> {
  await installSchedule(target, await planSchedule(target, JOB));
}

describe.each(Object.entries(GUESTS))('watch install on a guest with %s', (name, entries) => {
  test('leaves the schedule, and no record of it', async () => {
    const { target, all, asked } = await guestOf(entries);
    const before = all();
    await installOn(target);
    expect(all()).not.toEqual(before);
    expect(await target.list('/var/lib')).toEqual(['x']);
    if (name.startsWith('systemd')) expect(asked).toEqual(['daemon-reload', 'start mptfix-watch.timer']);
  });

  test('that fails at any effect is put back at once, byte for byte', async () => {
    const counted = faultyTarget((await guestOf(entries)).target, { at: 0 });
    await installOn(counted.target);
    expect(counted.effects.length).toBeGreaterThan(8);
    const lost: unknown[] = [];
    // What comes after the transaction's last line is only cleared away.
    const last = counted.effects.findLastIndex((effect) => effect.includes('journal.ndjson')) + 1;
    for (let at = 1; at <= last; at += 1) {
      const { root, target } = await guestOf(entries);
      const before = untimedLinks(listing(root));
      const fails = (): void => {
        throw new Error('no space left');
      };
      const faulty = faultyTarget(target, { at, before: fails });
      await expect(installOn(faulty.target)).rejects.toThrow('no space left');
      if (JSON.stringify(untimedLinks(listing(root))) !== JSON.stringify(before))
        lost.push(faulty.effects[at - 1]);
    }
    expect(lost).toEqual([]);
  });

  test('that is killed at any effect is put back by the next command that may write', async () => {
    const whole = await guestOf(entries);
    const before = whole.all();
    const counted = faultyTarget(whole.target, { at: 0 });
    await installOn(counted.target);
    const timeless = (lines: readonly string[]): string[] =>
      lines.map((line) => line.replace(/^(\S+ [fdl] \S+ \S+) \d+/, '$1'));
    const installed = timeless(whole.all());
    const lost: unknown[] = [];
    const last = counted.effects.findLastIndex((effect) => effect.includes('journal.ndjson')) + 1;
    for (let at = 1; at <= counted.effects.length; at += 1) {
      const { target, all, asked } = await guestOf(entries);
      await stoppedAt(target, at, installOn);
      const isBegun = (await transactions(target, 'schedule')).some(({ state }) => state === 'open');
      asked.splice(0);
      const settled = await settle(target, [scheduleUser]);
      const isIn = at > last;
      const found = isIn ? timeless(all()) : all();
      if (JSON.stringify(found) !== JSON.stringify(isIn ? installed : before))
        lost.push(counted.effects[at - 1]);
      expect([at, settled.length]).toEqual([at, isBegun ? 1 : 0]);
      expect([at, await target.list('/var/lib')]).toEqual([at, ['x']]);
      // A systemd that runs must not go by files that are gone.
      const isStarted = isBegun && counted.effects[at - 2]?.startsWith('run systemctl');
      if (isStarted === true) expect(asked).toContain('daemon-reload');
    }
    expect(lost).toEqual([]);
  });
});

/** A run that was killed after so many of its steps. */
async function killedAfter(target: Target, done: number): Promise<void> {
  const planned = await scheduleSteps(target, await planSchedule(target, JOB));
  const entered = await enterState(target, 'schedule');
  const folder = await begin(target, 'schedule', { number: 1, entered, planned });
  for (const [index, one] of planned.slice(0, done).entries())
    await carryOut(scheduleUser, { target, folder, progress: silentProgress }, index, one);
}

const CRONTAB: Entries = { ...GUESTS.crontab, 'usr/bin/node': '', 'opt/mptfix/bin/mptfix.cjs': '' };

test('an undo that is killed at any effect is finished by the next command', async () => {
  const first = await guestOf(GUESTS.systemd ?? {});
  await killedAfter(first.target, 99);
  const counted = faultyTarget(first.target, { at: 0 });
  await settle(counted.target, [scheduleUser]);
  const lost: unknown[] = [];
  for (let at = 1; at <= counted.effects.length; at += 1) {
    const { target, all } = await guestOf(GUESTS.systemd ?? {});
    const before = all();
    await killedAfter(target, 99);
    await stoppedAt(target, at, async (on) => void (await settle(on, [scheduleUser])));
    await settle(target, [scheduleUser]);
    if (JSON.stringify(all()) !== JSON.stringify(before)) lost.push(counted.effects[at - 1]);
    expect([at, await target.list('/var/lib')]).toEqual([at, ['x']]);
  }
  expect(lost).toEqual([]);
});

describe('what somebody has written since into a table that an interrupted installation had changed', () => {
  async function editedSince(): Promise<Guest> {
    const guest = await guestOf(CRONTAB);
    await killedAfter(guest.target, 99);
    sh('echo "# mine" >> "$1/etc/crontab"', guest.root);
    return guest;
  }
  const crontab = (root: string): string => readFileSync(join(root, 'etc/crontab'), 'utf8');

  test('stops another installation, which says what to do', async () => {
    const { root, target } = await editedSince();
    const before = crontab(root);
    const { code, next } = await failureOf(settle(target, [scheduleUser], 'schedule'));
    expect([code, next]).toEqual(['E_FILE_CHANGED', expect.stringContaining('mptfix watch uninstall')]);
    const run = await mptfix([
      'watch',
      'install',
      '--root',
      root,
      '--yes',
      '--json',
      '--to',
      'a@example.org',
    ]);
    expect([run.status, json(run).error.code]).toEqual([3, 'E_FILE_CHANGED']);
    expect(crontab(root)).toBe(before);
    expect(await target.list(transactionFolder('schedule', 1))).toContain('originals');
  });

  test('stays when the watch is uninstalled, and the watch goes', async () => {
    const { root, target } = await editedSince();
    const run = await mptfix(['watch', 'uninstall', '--root', root, '--yes', '--json']);
    expect(run.status).toBe(0);
    expect(crontab(root)).toBe('17 * * * * root run-parts /etc/cron.hourly\n# mine\n');
    expect(await target.list('/var/lib')).toEqual(['x']);
  });
});

test('killed for real at any moment, with its copy in memory: uninstall leaves nothing', async () => {
  const machine = await privateMachine();
  machine.sh('mount -t tmpfs tmpfs /run; mkdir -p /etc/cron.d');
  // The lock of this guest is no part of the watch: an empty file in memory, which every command uses.
  const everything = (): string =>
    machine.sh(
      'cd /; find etc/cron.d run var/lib -mindepth 1 -not -path "run/mount*" -not -path "run/mptfix-locks*"; sha256sum etc/crontab 2>/dev/null || true; grep -c /run/mptfix /proc/1/mounts || true',
    );
  const before = everything();
  for (const seconds of [0.2, 0.3, 0.4, 0.55, 0.8, 1.5]) {
    machine.sh(
      'timeout -s KILL "$1" "$2" "$3" watch install --to root@example.org --yes >/dev/null 2>&1 || true',
      String(seconds),
      process.execPath,
      BIN,
    );
    const run = await machine.mptfix(['watch', 'uninstall', '--yes', '--json']);
    expect([seconds, run.status]).toEqual([seconds, 0]);
    expect([seconds, everything()]).toEqual([seconds, before]);
  }
});
