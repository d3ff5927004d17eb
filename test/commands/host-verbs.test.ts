import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildableGuest, RELEASE } from '../helpers/buildable-guest.ts';
import { json, mptfix, type Run } from '../helpers/cli.ts';
import { type SshGuest, sshGuest } from '../helpers/sshd.ts';
import { sh } from '../machine/temporary.ts';

let guest: SshGuest;
let work: string;

beforeAll(async () => {
  guest = await sshGuest();
  work = mkdtempSync('/var/tmp/mptfix-verbs-');
  mkdirSync(join(work, 'source'));
  mkdirSync(join(work, 'tmp'));
  buildableGuest(guest.tree, join(work, 'source'));
  put('proc/sys/kernel/osrelease', `${RELEASE}\n`);
  put('proc/sys/kernel/hostname', 'guest\n');
  put('proc/1/mountinfo', '27 1 8:1 / / rw,relatime - ext3 /dev/sda1 rw,errors=continue\n');
  put('proc/self/mountinfo', '27 1 8:1 / / rw,relatime - ext3 /dev/sda1 rw,errors=continue\n');
  put('proc/mounts', '/dev/sda1 / ext3 rw 0 0\n');
  put(
    'proc/partitions',
    'major minor  #blocks  name\n\n   8        0    1024 sda\n   8        1    1023 sda1\n',
  );
  put('proc/stat', 'cpu  1 2 3\nbtime 1199145600\n');
  put('proc/locks', '');
  put('etc/timezone', 'Asia/Tokyo\n');
  put('sys/block/sda/device/timeout', '30\n');
  put('sys/class/scsi_host/host0/proc_name', 'mptspi\n');
  put('var/log/messages', log('Jan  1 09:00:07'));
  program('bin/dmesg', 'cat /ring');
  put('ring', log('[  100.000000]').replaceAll(' guest kernel:', ''));
});
afterAll(async () => {
  await guest.close();
  rmSync(work, { recursive: true, force: true });
});

function put(path: string, text: string): void {
  mkdirSync(join(guest.tree, path, '..'), { recursive: true });
  writeFileSync(join(guest.tree, path), text);
}

function program(path: string, line: string): void {
  rmSync(join(guest.tree, path), { force: true });
  put(path, `#!/bin/sh\n${line}\n`);
  chmodSync(join(guest.tree, path), 0o755);
}

/** A path that fails over, as 2.6.18 tells it. */
function log(time: string): string {
  return [
    'sd 0:0:0:0: SCSI error: return code = 0x00020008',
    'end_request: I/O error, dev sda, sector 12345',
    'Buffer I/O error on device sda1, logical block 512',
    'Aborting journal on device sda1.',
    'ext3_abort called.',
    'EXT3-fs error (device sda1): ext3_journal_start_sb: Detected aborted journal',
    'Remounting filesystem read-only',
  ]
    .map((line) => `${time} guest kernel: ${line}\n`)
    .join('');
}

/** Runs a command on the guest, and holds that neither it nor this machine has changed. */
async function onHost(words: readonly string[]): Promise<Run> {
  const state = (): string => sh('cd "$1"; find . -printf "%p %m %s %T@ %C@\\n" | sort', guest.tree);
  const before = state();
  const run = await mptfix([...words, ...guest.words], { env: { TMPDIR: join(work, 'tmp') } });
  expect(state()).toBe(before);
  expect(readdirSync(join(work, 'tmp'))).toEqual([]);
  return run;
}

/** What only a running guest has, by the verb; undefined: it is not compared. */
const RUNNING: Readonly<Record<string, readonly string[]>> = {
  check: ['next', 'survivalWindowSeconds', 'driver'],
  status: ['target', 'kernel', 'rebootNeeded', 'loaded'],
};

describe('a host and its tree agree:', () => {
  test.each(Object.keys(RUNNING))('%s', async (verb) => {
    const run = await onHost([verb, '--json']);
    const asTree = await mptfix([verb, '--json', '--root', guest.tree]);
    const rest = (one: Run): unknown =>
      Object.fromEntries(Object.entries(json(one)).filter(([name]) => !RUNNING[verb]?.includes(name)));
    expect(rest(run)).toEqual(rest(asTree));
    expect(run.status).toBe(asTree.status);
  });

  test('diagnose finds in the guest’s own logs what is in those of its tree, in the guest’s own zone', async () => {
    rmSync(join(guest.tree, 'ring'));
    put('ring', '');
    const run = json(await onHost(['diagnose', '--json']));
    const tree = json(await mptfix(['diagnose', '--json', '--root', guest.tree]));
    expect(run.incidents).toHaveLength(1);
    // The mount point is that of the mount table, not of fstab; both are /.
    expect(run.incidents).toEqual(tree.incidents);
    expect([run.target, run.verdict]).toEqual([guest.host, tree.verdict]);
    expect(JSON.stringify(run.incidents)).toContain('-01T00:00:07');
  });
});

describe('what only the running guest tells:', () => {
  test('status: the driver in its kernel', async () => {
    put('sys/module/mptscsih/srcversion', 'ABC\n');
    expect(json(await onHost(['status', '--json']))).toMatchObject({
      state: 'original',
      kernel: { running: true },
      loaded: { srcversion: 'ABC', buildId: null },
    });
    rmSync(join(guest.tree, 'sys/module'), { recursive: true });
    put('proc/modules', 'mptscsih 12345 1 mptspi, Live 0x00000000\n');
    expect(json(await onHost(['status', '--json'])).loaded).toEqual({
      srcversion: null,
      buildId: null,
      sameAsDisk: null,
    });
  });

  test('diagnose: the kernel’s buffer, by the guest’s own clock', async () => {
    rmSync(join(guest.tree, 'var/log/messages'));
    put('ring', log('[  100.000000]').replaceAll(' guest kernel:', ''));
    const run = json(await onHost(['diagnose', '--json']));
    expect(run.incidents).toHaveLength(1);
    expect(JSON.stringify(run.incidents)).toContain('2008-01-01T00:01:40');
  });

  test('recover: a file system that its kernel gave up, and the steps', async () => {
    const run = await onHost(['recover', '--json']);
    expect(run.status).toBe(0);
    const [root] = json(run).fileSystems;
    expect(root).toMatchObject({ mountPoint: '/', device: '/dev/sda1', type: 'ext3' });
    expect(root.evidence).toContainEqual(expect.objectContaining({ kind: 'kernel-log', bad: true }));
    expect(root.remountRefused.length).toBeGreaterThan(0);
  });

  test('harden: the policies and timeouts in force', async () => {
    const run = json(await onHost(['harden', '--json']));
    expect(run.fileSystems).toContainEqual(
      expect.objectContaining({ mountPoint: '/', mountOption: 'continue', effective: 'continue' }),
    );
    expect(run.disks).toContainEqual(expect.objectContaining({ name: 'sda', timeoutSeconds: 30 }));
    expect(run.advice.join('\n')).toContain('errors=continue keeps writing');
  });
});

test.each([
  ['status', '--prune', '--yes'],
  ['recover', '--apply', '--yes'],
  ['harden', '--apply', 'timeout=180', '--yes'],
  ['harden', '--undo', '--yes'],
])('%s %s changes nothing over ssh, and says where it does', async (...words) => {
  const run = await onHost([...words, '--json']);
  expect([run.status, json(run).error.code]).toEqual([2, 'E_USAGE']);
});

test('a look costs few round trips', { timeout: 120_000 }, async () => {
  const trips = async (words: readonly string[]): Promise<number> =>
    Number(
      /questions over ssh in (\d+) round trips/.exec((await onHost([...words, '--verbose'])).stderr)?.[1],
    );
  // The login with what is known to be needed, and what the kernel's release names.
  expect(await trips(['check'])).toBe(2);
  expect(await trips(['check', '--kernel', RELEASE])).toBe(1);
  // What a kernel's own names lead to, each program that is run, and the log itself.
  expect(await trips(['status'])).toBeLessThanOrEqual(4);
  expect(await trips(['diagnose'])).toBeLessThanOrEqual(6);
  expect(await trips(['recover'])).toBeLessThanOrEqual(6);
  expect(await trips(['harden'])).toBeLessThanOrEqual(8);
});
