import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../../machine/temporary.ts';
import { type BusyGuest, busyGuest, type Run } from '../busy-guest.ts';
import { SHELLS } from '../old-guest.ts';

const SLOW = { timeout: 240_000 };
const APPLY = ['apply', '--yes', '--json'];
type Name = 'SIGHUP' | 'SIGINT' | 'SIGPIPE' | 'SIGTERM';

/** The tree without what the test itself has put there, and the state. */
function inTree(guest: BusyGuest): readonly string[] {
  const state = existsSync(join(guest.root, 'var/lib/mptfix')) ? ['there is a state'] : [];
  return [...guest.all().filter((line) => !/^(?:work|$| )/.test(line)), ...state];
}

/** As a person at a terminal who has no patience. */
async function untilItEnds(run: Run, signal: Name): Promise<void> {
  let isOver = false;
  void run.ended.then(() => {
    isOver = true;
  });
  while (!isOver) {
    try {
      process.kill(-run.pid, signal);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Of `whom`: the shell alone, whose program goes on; or all processes, as a terminal does, once or until it has ended. */
const CASES: readonly (readonly [signal: Name, whom: 'shell' | 'group' | 'again'])[] = [
  ['SIGHUP', 'shell'],
  ['SIGINT', 'group'],
  ['SIGTERM', 'again'],
  ['SIGPIPE', 'shell'],
];

test.each(SHELLS)('%s puts everything back when a signal stops apply', SLOW, async (_, shell) => {
  const guest = await busyGuest(shell);
  const before = inTree(guest);
  for (const [signal, whom] of CASES) {
    guest.hold();
    const run = guest.start(APPLY);
    await guest.atWork();
    if (whom === 'again') await untilItEnds(run, signal);
    else process.kill(whom === 'shell' ? run.pid : -run.pid, signal);
    guest.goOn();
    const { status, stdout, stderr } = await run.ended;
    const where = `${signal}, ${whom}: ${stderr}`;
    expect([where, status]).toEqual([where, 128 + constants.signals[signal]]);
    expect(stdout.trim().split('\n'), where).toHaveLength(1);
    expect(JSON.parse(stdout).error, where).toMatchObject({ code: 'E_INTERRUPTED' });
    expect(inTree(guest), where).toEqual(before);
  }
  // A rollback that has begun ends: it is what puts back.
  expect(await guest.start(APPLY).ended).toMatchObject({ status: 0 });
  guest.holdSync();
  const undo = guest.start(['rollback', '--yes', '--json']);
  await guest.atSync();
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.kill(-undo.pid, signal);
  guest.goOn();
  const { status, stdout } = await undo.ended;
  expect([status, JSON.parse(stdout).result]).toEqual([0, 'rolled-back']);
  expect(inTree(guest).filter((line) => line !== 'there is a state')).toEqual(before);
});

test('closed streams, and a reader that has gone', SLOW, async () => {
  const guest = await busyGuest(['dash']);
  const before = inTree(guest);
  for (const redirect of ['>&-', '<&- >&- 2>&-', '>/dev/full']) {
    for (const command of ['apply', 'rollback']) {
      const { status, stdout } = await guest.start([command, '--yes'], { redirect }).ended;
      expect([redirect, command, status, stdout]).toEqual([redirect, command, 0, '']);
      expect(readFileSync(join(guest.root, guest.modulePath), 'utf8')).toBe(
        command === 'apply' ? String(guest.content.bytes) : `old module ${'x'.repeat(5000)}`,
      );
    }
    expect(inTree(guest).filter((line) => line !== 'there is a state')).toEqual(before);
  }
  rmSync(join(guest.root, 'var/lib/mptfix'), { recursive: true });
  const unread = await guest.start(['apply', '--yes'], { unread: true }).ended;
  expect(unread.status).toBe(128 + constants.signals.SIGPIPE);
  expect(inTree(guest)).toEqual(before);
});

test.each([
  ['at the question', 'apply', ''],
  ['at work', 'apply --yes', 'E_INTERRUPTED'],
])('a terminal that goes away %s', SLOW, async (where, words, code) => {
  const guest = await busyGuest(['dash']);
  const before = inTree(guest);
  const { root } = guest;
  const [out, err] = ['out', 'err'].map((name) => join(root, 'work', name)) as [string, string];
  guest.hold();
  // The bundle leads the terminal's session, as the shell of a login does: it is that which gets SIGHUP.
  const inner = `exec /usr/sbin/chroot ${root} dash /bundle.run ${words} --json 2>${err} >${out}`;
  const terminal = spawn('script', ['-qec', inner, '/dev/null'], {
    env: { PATH: '/bin:/sbin:/usr/sbin:/usr/bin', SHELL: '/bin/sh' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  if (code !== '') await guest.atWork();
  else await until(() => existsSync(err) && readFileSync(err, 'utf8').includes('Go on?'));
  terminal.kill('SIGKILL');
  guest.goOn();
  await until(() => existsSync(out) && readFileSync(out, 'utf8').endsWith('\n'));
  expect(readFileSync(out, 'utf8').trim().split('\n'), where).toHaveLength(1);
  // At the question there may be the end of the input before there is the signal.
  expect(readFileSync(out, 'utf8')).toMatch(code === '' ? /E_INTERRUPTED|E_DECLINED/ : code);
  await until(() => !existsSync(join(root, 'var/lib/mptfix-lock')));
  expect(inTree(guest)).toEqual(before);
});
