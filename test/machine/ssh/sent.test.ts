import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runLine } from '../../../src/machine/ssh/sent.ts';
import { closeHosts, type HostTarget, hostTarget } from '../../../src/machine/ssh/target.ts';
import { type SshGuest, sshGuest } from '../../helpers/sshd.ts';

let guest: SshGuest;
let target: HostTarget;

beforeAll(async () => {
  guest = await sshGuest();
  for (const folder of ['var/run', 'var/lib']) mkdirSync(join(guest.tree, folder), { recursive: true });
  for (const name of ['mkdir', 'rm', 'touch', 'kill']) symlinkSync('busybox', join(guest.tree, 'bin', name));
  target = hostTarget(guest.host, guest.options, { dryRun: false });
});
afterAll(async () => {
  await closeHosts();
  await guest.close();
});

const file = (text: string): Buffer => Buffer.from(`#!/bin/sh\n${text}\n`);
const left = (): readonly string[] =>
  ['var/run', 'var/lib'].flatMap((folder) => readdirSync(join(guest.tree, folder)));
async function until(path: string): Promise<void> {
  for (let round = 0; round < 600 && !existsSync(path); round += 1) await sleep(50);
}

test('a file arrives as it is, runs with its words, and nothing of it stays', async () => {
  const words = ["it's", '$(touch /hit)', '`touch /hit`', 'a b  c', '; touch /hit;', '-x', '', '\\n'];
  const script = `cat "$0" >/copy; cat; printf '%s\\n' "$@"; ls -ldn "\${0%/*}" >&2; exit 7`;
  // As long as a bundle, and with every byte.
  const tail = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 256));
  const sent = Buffer.concat([file(script), tail]);
  const result = await target.runSent(sent, words);
  expect(result.stdout.toString()).toBe(words.map((word) => `${word}\n`).join(''));
  expect(result.status).toBe(7);
  expect(result.stderr).toMatch(/^drwx------ +\d+ 0 /);
  expect(readFileSync(join(guest.tree, 'copy')).equals(sent)).toBe(true);
  expect(existsSync(join(guest.tree, 'hit'))).toBe(false);
  expect(left()).toEqual([]);
  await expect(target.runSent(sent, ['line\nbreak'])).rejects.toThrow('one line');
});

test('a lost connection does not end what runs: it goes on, its words end nothing, and nothing of it stays', async () => {
  const script = 'kill -9 "$SSHD"; sleep 1; echo words; echo words >&2; echo end >/ended';
  await expect(target.runSent(file(script), [])).rejects.toMatchObject({ failure: { code: 'E_HOST_LOST' } });
  await until(join(guest.tree, 'ended'));
  expect(readFileSync(join(guest.tree, 'ended'), 'utf8')).toBe('end\n');
  for (let round = 0; round < 100 && left().length > 0; round += 1) await sleep(50);
  expect(left()).toEqual([]);
  await closeHosts();
});

test('a file that came in part never runs, and the guest removes it', async () => {
  const line = runLine({ mark: '@x:', folder: 'mptfix-x', size: 100, words: [] });
  const script = `echo 'echo hit >/hit' | eval "$1"`;
  const result = await target.run(['sh', '-c', script, 'sh', line], { effect: 'read' });
  expect(result.stdout.toString()).toBe('@x:b\n@x:e 122\n');
  expect(existsSync(join(guest.tree, 'hit'))).toBe(false);
  expect(left()).toEqual([]);
});

test('where no folder can be made that is said, in the guest’s own words', async () => {
  const mkdir = join(guest.tree, 'bin/mkdir');
  rmSync(mkdir);
  writeFileSync(mkdir, '#!/bin/sh\necho "mkdir: Read-only file system" >&2\nexit 1\n', { mode: 0o755 });
  await expect(target.runSent(file('exit 0'), [])).rejects.toMatchObject({
    failure: { code: 'E_READ_ONLY', what: expect.stringContaining('mkdir: Read-only file system') },
  });
  expect(left()).toEqual([]);
});

test('a dry run runs nothing', async () => {
  const dry = hostTarget(guest.host, guest.options, { dryRun: true });
  await expect(dry.runSent(file('exit 0'), [])).rejects.toMatchObject({ failure: { code: 'E_DRY_RUN' } });
});
