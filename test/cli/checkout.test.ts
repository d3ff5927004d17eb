import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { smallGuest } from '../install/small-guest.ts';
import { put, temporary } from '../machine/temporary.ts';

const CHECKOUT = resolve('.');

interface Typed {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Types a line into a shell in a folder, as a person who has just logged in. */
function type(line: string, cwd: string): Typed {
  const env = { PATH: process.env.PATH ?? '', HOME: '/nonexistent', XDG_CACHE_HOME: '/dev/null' };
  return spawnSync('sh', ['-c', line], { cwd, env, encoding: 'utf8' });
}

/** A guest in `guest with space` of a folder. */
async function folderWithGuest(): Promise<string> {
  const { root } = await smallGuest();
  await put(root, { 'etc/os-release': 'ID=debian\nVERSION_ID="12"\n', 'etc/fstab': '' });
  const folder = await temporary();
  execFileSync('cp', ['-a', root, join(folder, 'guest with space')]);
  return folder;
}

describe('in a checkout, by npm run,', { timeout: 120_000 }, () => {
  const run = `npm --prefix ${CHECKOUT} run -s mptfix --`;

  test('a relative path is of the folder where it was typed', async () => {
    const folder = await folderWithGuest();
    const { status, stdout } = type(`${run} status --root './guest with space' --json`, folder);
    expect([status, JSON.parse(stdout).target]).toEqual([0, join(folder, 'guest with space')]);
  });

  test('a command that is printed acts on the same guest, from wherever it is typed', async () => {
    const folder = await folderWithGuest();
    const { stderr } = type(`${run} rollback --to 7 --yes --root 'guest with space'`, folder);
    const [, command = ''] = /next: `([^`]*)`/.exec(stderr) ?? [];
    expect(command).toBe(
      `npm --prefix ${CHECKOUT} run -s mptfix -- status --root '${join(folder, 'guest with space')}'`,
    );
    const { status, stdout } = type(command, '/');
    expect([status, stdout]).toEqual([0, expect.stringContaining(join(folder, 'guest with space'))]);
  });
});

test('a folder that is gone is said, not taken for another one', async () => {
  const folder = join(await temporary(), 'gone');
  mkdirSync(folder);
  const env = {
    npm_package_name: 'mptfix',
    npm_lifecycle_event: 'mptfix',
    INIT_CWD: folder,
    PATH: process.env.PATH,
  };
  rmSync(folder, { recursive: true });
  const { status, stderr } = spawnSync(process.execPath, ['bin/mptfix.cjs', 'status'], {
    env,
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([
    3,
    expect.stringMatching(/E_TARGET_MISSING: \S+\/gone, where npm was started,/),
  ]);
});

test('what npm says of another package moves nobody', async () => {
  const folder = await folderWithGuest();
  const env = {
    npm_package_name: 'other',
    npm_lifecycle_event: 'mptfix',
    INIT_CWD: '/',
    PATH: process.env.PATH,
  };
  const args = [resolve('bin/mptfix.cjs'), 'status', '--root', 'guest with space', '--json'];
  const { stdout } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' });
  expect(JSON.parse(stdout).target).toBe(join(folder, 'guest with space'));
});
