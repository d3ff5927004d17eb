import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { rootTarget } from '../../src/machine/tree.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { installed, MODULE, smallGuest } from '../install/small-guest.ts';
import { put } from '../machine/temporary.ts';

const NOBODY = { uid: 65534, gid: 65534 };

/** A guest that anybody may look at, but for its state; `has` installs a module. */
async function guest(has: 'nothing' | 'an installation'): Promise<string> {
  const small = await smallGuest();
  await put(small.root, { 'etc/os-release': 'ID=debian\nVERSION_ID="12"\n', 'etc/fstab': '' });
  if (has === 'an installation') await installed(small);
  chmodSync(join(small.root, MODULE), 0o644);
  return small.root;
}

const installedGuest = (): Promise<string> => guest('an installation');

test('status as a user says what it sees and what it does not, and gives no all-clear', async () => {
  const root = await installedGuest();
  expect(json(await mptfix(['status', '--root', root, '--json']))).toMatchObject({
    state: 'patched',
    unseen: [],
  });
  const run = await mptfix(['status', '--root', root, '--json'], NOBODY);
  expect([run.status, json(run)]).toEqual([
    11,
    expect.objectContaining({
      state: 'unknown',
      module: expect.objectContaining({ name: 'mptscsih' }),
      unseen: ['/var/lib/mptfix: only root may see what mptfix has installed'],
    }),
  ]);
  const page = await mptfix(['status', '--root', root], NOBODY);
  expect(page.stdout).toMatch(/^UNKNOWN: .*\n[\s\S]*not seen: +\/var\/lib\/mptfix/);
  expect((await mptfix(['status', '--root', root, '--root', root], NOBODY)).status).toBe(11);
});

test('status as a user of a guest where nothing was ever installed is as root’s', async () => {
  const root = await guest('nothing');
  const run = await mptfix(['status', '--root', root, '--json'], NOBODY);
  expect([run.status, json(run).state, json(run).unseen]).toEqual([0, 'original', []]);
});

test.each([
  ['rollback', '--dry-run'],
  ['harden', '--undo', '--dry-run'],
  ['status', '--prune', '--dry-run'],
])('%s %s as a user asks for root, and is no defect', async (...args) => {
  const run = await mptfix([...args, '--root', await installedGuest(), '--json'], NOBODY);
  if (args[0] === 'rollback') expect([run.status, json(run).error.code]).toEqual([3, 'E_NOT_ROOT']);
  expect(run.stderr + run.stdout).not.toContain('E_INTERNAL');
});

test('harden as a user shows the policies, and says what it does not see', async () => {
  const run = await mptfix(['harden', '--root', await installedGuest(), '--json'], NOBODY);
  expect([run.status, run.stdout]).toEqual([0, expect.stringContaining('only root may see')]);
});

test('status beside a run says that one is at work, and stands in no run’s way', async () => {
  const root = await installedGuest();
  const lock = await rootTarget(root, { dryRun: false }).lock('/lib/modules');
  onTestFinished(() => lock?.release());
  for (const user of [{}, NOBODY]) {
    const run = await mptfix(['status', '--root', root, '--json'], user);
    expect([run.status, json(run).state, json(run).interrupted]).toEqual([0, 'at-work', []]);
  }
  expect((await mptfix(['status', '--root', root])).stdout).toMatch(/^a run is at work/);
  await lock?.release();
  expect(json(await mptfix(['status', '--root', root, '--json'])).state).toBe('patched');
});

test('and an installation that is not finished is one at work, not an interrupted one', async () => {
  const root = await installedGuest();
  const path = join(root, 'var/lib/mptfix/generations/1/journal.ndjson');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^.*"committed".*\n/m, ''));
  const args = ['status', '--root', root, '--json'];
  expect(json(await mptfix(args)).state).toBe('interrupted');
  const lock = await rootTarget(root, { dryRun: false }).lock('/lib/modules');
  onTestFinished(() => lock?.release());
  const run = await mptfix(args);
  expect([json(run).state, json(run).interrupted, run.stderr]).toEqual([
    'at-work',
    [],
    expect.stringContaining('another run of mptfix is at work'),
  ]);
});
