import { chmodSync, cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hardenUser } from '../../src/harden/handlers.ts';
import { LIMITS } from '../../src/limits.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';
import { planFile } from '../../src/transaction/files.ts';
import type { TransactionUser } from '../../src/transaction/handler.ts';
import { begin, carryOut, type Planned } from '../../src/transaction/perform.ts';
import { enterState } from '../../src/transaction/state-folders.ts';
import { scheduleUser } from '../../src/watch/schedule/user.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { installed, MODULE, RELEASE, smallGuest } from '../install/small-guest.ts';
import { put, sh } from '../machine/temporary.ts';

interface Interrupted {
  /** Its path wants to be quoted. */
  readonly root: string;
  /** Everything but the state, before the run that was interrupted. */
  readonly before: readonly string[];
}

const withoutState = (root: string): string[] =>
  listing(root, { without: ['var/lib/mptfix'] }).filter(
    (line) => !line.startsWith('var/lib ') && !line.startsWith(' d '),
  );

/** A guest whose installation was stopped after its last step. */
async function halfInstalled(): Promise<Interrupted> {
  const guest = await smallGuest();
  await put(guest.root, {
    'etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
    'etc/cron.d/x': '',
    'etc/fstab': '',
  });
  await put(guest.root, { 'usr/bin/node': '', 'opt/mptfix/bin/mptfix.cjs': '', 'sbin/udevadm': '' });
  const before = withoutState(guest.root);
  await installed(guest);
  const root = `${guest.root} it’s half`;
  renameSync(guest.root, root);
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const name of ['manifest.json', 'journal.ndjson']) {
    const path = join(root, 'var/lib/mptfix/generations/1', name);
    if (name === 'manifest.json') rmSync(path);
    else writeFileSync(path, `${readFileSync(path, 'utf8').trimEnd().split('\n').slice(0, -1).join('\n')}\n`);
  }
  return { root, before };
}

const MEND = /to put everything back: `mptfix (.*)`$/m;

/** The words of a command line, as a shell reads them. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

describe('a command that only reads, on a guest with an interrupted installation', () => {
  const READING: Readonly<Record<string, readonly string[]>> = {
    check: ['check'],
    plan: ['plan', '--offline'],
    build: ['build', '--offline', '--output', '/dev/null/none'],
    status: ['status'],
    'apply --dry-run': ['apply', '--dry-run', '--offline'],
    'rollback --dry-run': ['rollback', '--dry-run'],
    harden: ['harden'],
    'harden --apply --dry-run': ['harden', '--apply', 'timeout=180', '--dry-run'],
    'harden --undo --dry-run': ['harden', '--undo', '--dry-run'],
    'watch install --dry-run': ['watch', 'install', '--to', 'a@example.org', '--dry-run'],
    'watch uninstall --dry-run': ['watch', 'uninstall', '--dry-run'],
  };

  test.each(Object.entries(READING))(
    '%s writes not one byte, and names the command that mends it',
    async (_, args) => {
      const { root } = await halfInstalled();
      const all = listing(root);
      const run = await mptfix([...args, '--root', root, '--json']);
      expect(listing(root)).toEqual(all);
      const line = MEND.exec(run.stderr)?.[1];
      expect(words(line ?? '')).toEqual(['rollback', '--to', '0', '--root', root, '--kernel', RELEASE]);
      expect(line).toContain(`--root '${root}'`);
    },
  );

  test.each(['check', 'plan'])('%s exits and answers as it would without the state', async (command) => {
    const { root } = await halfInstalled();
    const copy = `${root} without`;
    cpSync(root, copy, { recursive: true, preserveTimestamps: true });
    try {
      rmSync(join(copy, 'var/lib/mptfix'), { recursive: true });
      const args = (at: string): string[] => [command, '--root', at, '--json'];
      const [here, there] = [await mptfix(args(root)), await mptfix(args(copy))];
      expect([here.status, here.stdout]).toEqual([there.status, there.stdout.replaceAll(copy, root)]);
      expect(there.stderr).not.toMatch(MEND);
    } finally {
      rmSync(copy, { recursive: true });
    }
  });

  test('who may not read the state is not told, and gets his answer all the same', async () => {
    const { root } = await halfInstalled();
    chmodSync(join(root, MODULE), 0o644);
    const run = await mptfix(['check', '--root', root, '--json'], { uid: 65534, gid: 65534 });
    expect([run.stderr, json(run).schema]).toEqual(['', 'mptfix.check/1']);
  });

  test('status lists it', async () => {
    const { root } = await halfInstalled();
    const status = json(await mptfix(['status', '--root', root, '--json']));
    expect([status.state, status.interrupted]).toEqual([
      'interrupted',
      [{ purpose: 'install', number: 1, kernel: RELEASE }],
    ]);
  });

  test('that command puts everything back, and says so; then there is nothing to say', async () => {
    const { root, before } = await halfInstalled();
    const line = MEND.exec((await mptfix(['check', '--root', root])).stderr)?.[1] ?? '';
    const mended = await mptfix(words(line));
    expect([mended.status, mended.stderr]).toEqual([
      0,
      expect.stringContaining('an installation was interrupted'),
    ]);
    expect(withoutState(root)).toEqual(before);
    expect((await mptfix(['check', '--root', root])).stderr).not.toContain('interrupted');
  });
});

test('a generation that is in force stays so when a later one is put back', async () => {
  const guest = await smallGuest();
  await installed(guest);
  const before = guest.modules();
  await installed(guest, 3);
  const path = join(guest.root, 'var/lib/mptfix/generations/2/journal.ndjson');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^.*"committed".*\n/m, ''));
  const { stderr } = await mptfix(['check', '--root', guest.root]);
  expect(stderr).toContain(`mptfix rollback --to 1 --root ${guest.root} --kernel ${RELEASE}`);
  expect((await mptfix(words(MEND.exec(stderr)?.[1] ?? ''))).status).toBe(0);
  expect(guest.modules()).toEqual(before);
});

test('a generation without its manifest is named, and what to do', async () => {
  const guest = await smallGuest();
  await installed(guest);
  rmSync(join(guest.root, 'var/lib/mptfix/generations/1/manifest.json'));
  const before = guest.modules();
  const { status, stdout } = await mptfix(['rollback', '--root', guest.root, '--yes', '--json']);
  expect([status, JSON.parse(stdout).error]).toMatchObject([
    3,
    {
      code: 'E_GENERATION_MISSING',
      what: expect.stringContaining(
        'generation 1 cannot be rolled back: its /var/lib/mptfix/generations/1/manifest.json',
      ),
      next: expect.stringContaining('by hand'),
    },
  ]);
  expect(guest.modules()).toEqual(before);
});

/** A run of any purpose that was stopped after its only step. */
async function leaveOpen(root: string, user: TransactionUser, planned: readonly Planned[]): Promise<void> {
  const target = rootTarget(root, { dryRun: false });
  const entered = await enterState(target, user.purpose);
  const folder = await begin(target, user.purpose, { number: 1, entered, planned });
  for (const [index, one] of planned.entries())
    await carryOut(user, { target, folder, progress: silentProgress }, index, one);
}

describe('runs of every purpose', () => {
  const edit = (content: string) => ({ content: Buffer.from(content), what: 'a test', mode: 0o644 });

  test('are told by status, each with its command; one writing command puts back all of them', async () => {
    const { root, before } = await halfInstalled();
    const target = rootTarget(root, { dryRun: false });
    await leaveOpen(root, hardenUser, await planFile(target, { path: '/etc/fstab', ...edit('new\n') }));
    await leaveOpen(
      root,
      scheduleUser,
      await planFile(target, { path: '/etc/cron.d/mptfix-watch', ...edit('new\n') }),
    );
    const status = await mptfix(['status', '--root', root, '--json']);
    expect(json(status).interrupted).toEqual([
      { purpose: 'install', number: 1, kernel: RELEASE },
      { purpose: 'harden', number: 1, kernel: null },
      { purpose: 'schedule', number: 1, kernel: null },
    ]);
    const named = status.stderr.split('\n').flatMap((line) => MEND.exec(line)?.[1] ?? []);
    expect(named.map((line) => words(line).slice(0, 2).join(' '))).toEqual([
      'rollback --to',
      'harden --undo',
      'watch uninstall',
    ]);
    const run = await mptfix(words(named[2] ?? '').concat('--yes'));
    expect([run.status, run.stderr.match(/was interrupted: number 1 was undone/g)?.length]).toEqual([0, 3]);
    expect(withoutState(root)).toEqual(before);
    expect(json(await mptfix(['status', '--root', root, '--json'])).interrupted).toEqual([]);
  });

  test('that somebody has edited over since stop their own command, and only warn another', async () => {
    const { root } = await halfInstalled();
    const target = rootTarget(root, { dryRun: false });
    await leaveOpen(root, hardenUser, await planFile(target, { path: '/etc/fstab', ...edit('new\n') }));
    writeFileSync(join(root, 'etc/fstab'), 'mine\n');
    const args = ['--root', root, '--json'];
    const rollback = await mptfix(['rollback', '--to', '0', '--kernel', RELEASE, ...args]);
    expect([rollback.status, rollback.stderr]).toEqual([
      0,
      expect.stringContaining('warning: a run of harden'),
    ]);
    expect(await target.hash(MODULE, LIMITS.moduleBytes)).toMatch(/^[0-9a-f]{64}$/);
    const undo = await mptfix(['harden', '--undo', '--yes', ...args]);
    expect([undo.status, json(undo).error.code]).toEqual([3, 'E_FILE_CHANGED']);
    expect(readFileSync(join(root, 'etc/fstab'), 'utf8')).toBe('mine\n');
    const forced = await mptfix(['harden', '--undo', '--force', '--yes', ...args]);
    expect([forced.status, readFileSync(join(root, 'etc/fstab'), 'utf8')]).toEqual([0, '']);
  });

  test('whose record an earlier version has written do not stop a command of another purpose', async () => {
    const { root, before } = await halfInstalled();
    const record = { schema: 'mptfix.harden-set/1', number: 1, created: '', changes: [], folders: [] };
    await put(root, { 'var/lib/mptfix/harden/1/set.json': JSON.stringify(record) });
    sh('chmod 700 "$1/harden" "$1/harden/1"', join(root, 'var/lib/mptfix'));
    const status = await mptfix(['status', '--root', root, '--json']);
    expect([json(status).interrupted.length, status.stderr]).toEqual([
      1,
      expect.stringContaining('it is not known whether an earlier run was interrupted'),
    ]);
    const run = await mptfix(['rollback', '--to', '0', '--root', root, '--json']);
    expect([run.status, run.stderr]).toEqual([
      0,
      expect.stringMatching(/warning: .*earlier version of mptfix/),
    ]);
    expect(withoutState(root)).toEqual(before);
    const harden = await mptfix(['harden', '--undo', '--root', root, '--yes', '--json']);
    expect([harden.status, json(harden).error.code]).toEqual([3, 'E_STATE_UNSAFE']);
    expect(readFileSync(join(root, 'var/lib/mptfix/harden/1/set.json'), 'utf8')).toBe(JSON.stringify(record));
  });

  test('whose record cannot be believed are told by those who read, and do not stop them', async () => {
    const { root } = await halfInstalled();
    writeFileSync(join(root, 'var/lib/mptfix/generations/1/originals.json'), '{}');
    const run = await mptfix(['check', '--root', root, '--json']);
    expect([json(run).schema, run.stderr]).toEqual([
      'mptfix.check/1',
      expect.stringContaining('it is not known whether an earlier run was interrupted'),
    ]);
    const apply = await mptfix(['rollback', '--root', root, '--yes', '--json']);
    expect([apply.status, json(apply).error.code]).toEqual([3, 'E_STATE_UNSAFE']);
  });
});
