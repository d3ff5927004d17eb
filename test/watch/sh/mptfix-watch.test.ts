import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { put, temporary } from '../../machine/temporary.ts';
import { CASES, dmesg, kmsg, type Message } from '../cases.ts';
import { partitions } from '../guest.ts';
import { machine, mountImage } from '../machine.ts';

const SCRIPT = resolve('src/watch/sh/mptfix-watch.sh');
const APPLETS = [
  'awk',
  'sed',
  'grep',
  'tr',
  'ls',
  'date',
  'cat',
  'id',
  'mkdir',
  'mv',
  'rm',
  'sort',
  'tail',
  'head',
  'cut',
  'touch',
  'uname',
  'sleep',
  'printf',
];
const SHELLS: readonly (readonly [string, readonly string[], boolean])[] = [
  ['dash', ['dash'], false],
  ['busybox sh with its own tools', ['busybox', 'sh'], true],
  ['bash --posix', ['bash', '--posix'], false],
  ['mksh', ['mksh'], false],
];

interface Guest {
  readonly root: string;
  readonly run: (
    shell: readonly string[],
    ...args: readonly string[]
  ) => { status: number | null; stdout: string };
  readonly mails: () => Promise<readonly string[]>;
}

/** Where the kernel's messages can be read. The dmesg of 2003 knows no -r, and prints no priority. */
type LogForm = '/dev/kmsg' | 'dmesg -r' | 'dmesg';

/** A guest's files, with a sendmail that keeps what it gets and a log that shows what is given. */
async function guest(
  files: Parameters<typeof put>[1],
  log: readonly Message[],
  busybox: boolean,
  form: LogForm = 'dmesg',
): Promise<Guest> {
  const printed = form === '/dev/kmsg' ? '' : dmesg(log);
  const root = await temporary({
    'dev/shm/.keep': '',
    ...files,
    ...(form === '/dev/kmsg' ? { 'dev/kmsg': kmsg(log) } : {}),
    'log.txt': form === 'dmesg' ? printed.replace(/^<\d+>/gm, '') : printed,
    'bin/dmesg': `#!/bin/sh\n${form === 'dmesg' ? '[ $# -eq 0 ] || exit 1\n' : ''}cat "$MPTFIX_ROOT/log.txt"\n`,
    'bin/sendmail':
      '#!/bin/sh\n[ ! -e "$MPTFIX_ROOT/down" ] || exit 75\n{ cat; echo "=== end"; } >>"$MPTFIX_ROOT/mails"\n',
  });
  for (const name of ['dmesg', 'sendmail']) await chmod(join(root, 'bin', name), 0o755);
  if (busybox) for (const name of APPLETS) await symlink('/usr/bin/busybox', join(root, 'bin', name));
  return {
    root,
    run: ([file = '', ...before], ...args) =>
      spawnSync(file, [...before, SCRIPT, ...args], {
        encoding: 'utf8',
        env: { PATH: `${join(root, 'bin')}:${process.env.PATH}`, MPTFIX_ROOT: root },
      }),
    mails: async () =>
      (await readFile(join(root, 'mails'), 'utf8').catch(() => ''))
        .split('=== end\n')
        .filter((mail) => mail !== ''),
  };
}

describe.each(SHELLS)('under %s', (_, shell, busybox) => {
  // What a program wrote is told from the kernel's by its priority alone.
  const hasPriority = (log: readonly Message[]): boolean => log.some((one) => typeof one !== 'string');
  const cases = (['/dev/kmsg', 'dmesg -r', 'dmesg'] as const).flatMap((form) =>
    CASES.filter(({ log = [] }) => (form === 'dmesg' ? !hasPriority(log) : log.length > 0)).map((one) => ({
      form,
      ...one,
    })),
  );
  test.each(cases)('$form: $name', async ({ form, files, log = [], alarms = [], warnings = [] }) => {
    const { run } = await guest(files, log, busybox, form);
    const { status, stdout } = run(shell, 'admin@example.org');
    const of = (warning: boolean): readonly string[] =>
      stdout
        .split('\n')
        .filter((line) => line !== '' && line.includes(': HAS ERRORS') === warning)
        .map((line) => line.replace(/: (READ-ONLY|SHUT DOWN|HAS ERRORS) \(.*$/, ''));
    expect([of(false), of(true), status]).toEqual([alarms, warnings, alarms.length > 0 ? 1 : 0]);
  });

  test('an alarm says whether the kernel logged it, or it is only reported', async () => {
    const files = {
      'proc/partitions': partitions('8:1 sda1'),
      'proc/1/mountinfo': '27 1 8:1 / /data rw - xfs /dev/sda1 rw\n',
    };
    const log = ['XFS (sda1): Log I/O Error Detected.  Shutting down filesystem'];
    const said = async (form: LogForm) =>
      (await guest(files, log, busybox, form)).run(shell, 'admin@example.org').stdout;
    expect(await said('/dev/kmsg')).toContain(`the kernel logged: ${log[0]}`);
    expect(await said('dmesg -r')).toContain(`reported in the log of the kernel: ${log[0]}`);
  });

  test('errors that are older than the mount that the kernel logged are a warning', async () => {
    const boot = 1_700_000_000;
    const files = {
      'proc/1/mountinfo': '27 1 8:1 / / rw - ext4 /dev/sda1 rw,errors=remount-ro\n',
      'proc/partitions': partitions('8:1 sda1'),
      'proc/stat': `btime ${boot}\n`,
      'proc/sys/kernel/osrelease': '6.1.0-28-amd64\n',
      'sys/fs/ext4/sda1/errors_count': '2\n',
      'sys/fs/ext4/sda1/last_error_time': `${boot}\n`,
      'proc/fs/ext4/sda1/options': 'errors=remount-ro\n',
    };
    const log = ['EXT4-fs (sda1): mounted filesystem 0f5c with ordered data mode'];
    const statusOf = async (form: LogForm) =>
      (await guest(files, log, busybox, form)).run(shell, 'admin@example.org').status;
    // dmesg's word alone ends nothing.
    expect([await statusOf('/dev/kmsg'), await statusOf('dmesg -r')]).toEqual([0, 1]);
  });

  test('one mail an event, one when it is over, and again when it failed to go out', async () => {
    const mounts = (option: string): string => `/dev/sda1 / ext3 ${option} 0 0\n`;
    const { root, run, mails } = await guest(
      { 'proc/mounts': mounts('ro'), 'etc/fstab': '/dev/sda1 / ext3 defaults 1 1' },
      [],
      busybox,
    );
    await writeFile(join(root, 'down'), '');
    expect(run(shell, 'admin@example.org').status).toBe(1);
    await put(root, { 'proc/mounts': mounts('ro') });
    spawnSync('rm', [join(root, 'down')]);
    for (let runs = 0; runs < 5; runs += 1) expect(run(shell, 'admin@example.org').status).toBe(1);
    await writeFile(join(root, 'proc/mounts'), mounts('rw'));
    for (let runs = 0; runs < 3; runs += 1) expect(run(shell, 'admin@example.org').status).toBe(0);
    const subjects = (await mails()).map((mail) => /^Subject: (.*)$/m.exec(mail)?.[1]?.replace(/^.*?: /, ''));
    expect(subjects).toEqual(['READ-ONLY /', 'writable again: /']);
  });

  test('a name with line breaks adds no header', async () => {
    const mountPoint = '/a\\012Bcc:evil@example.org\\012\\012\u001b[2Jb\rX-Evil:1';
    const { run, mails } = await guest(
      {
        'proc/mounts': `/dev/sda1 ${mountPoint} ext3 ro 0 0\n`,
        'etc/fstab': `/dev/sda1 ${mountPoint} ext3 defaults 1 1`,
      },
      [],
      busybox,
    );
    run(shell, 'admin@example.org');
    const [mail = ''] = await mails();
    const [headers = ''] = mail.split('\n\n');
    expect(headers.split('\n').map((line) => line.split(':')[0])).toEqual([
      'To',
      'Subject',
      'Auto-Submitted',
    ]);
    expect(mail).toMatch(/^[\t\n\x20-\x7e]*$/);
  });

  test.each(['', '-t', 'a b@c', 'a@b\nBcc: x', '$(id)@x', '`id`'])('no address: %j', async (address) => {
    const { run, root } = await guest({ 'proc/mounts': '/dev/sda1 / ext3 ro 0 0\n' }, [], busybox);
    expect([run(shell, address).status, spawnSync('ls', [join(root, 'dev/shm')]).stdout.toString()]).toEqual([
      2,
      '',
    ]);
  });
});

test('a folder for the state that somebody else made is not used', async () => {
  const { root, run } = await guest({ 'proc/mounts': '/dev/sda1 / ext3 rw 0 0\n' }, [], false);
  await mkdir(join(root, 'dev/shm/mptfix-watch'), { mode: 0o777 });
  await chmod(join(root, 'dev/shm/mptfix-watch'), 0o777);
  await mkdir(join(root, 'run'));
  expect(run(['dash'], 'admin@example.org').status).toBe(0);
  expect(spawnSync('ls', [join(root, 'dev/shm/mptfix-watch')]).stdout.toString()).toBe('');
  expect(await readFile(join(root, 'run/mptfix-watch/seen'), 'utf8')).toBe('rw /dev/sda1\n');
});

test('no mount table is no all-clear', async () => {
  const { run } = await guest({}, [], false);
  expect(run(['dash'], 'admin@example.org').status).toBe(3);
});

test('a real ext4 that the kernel gave up on is found, under each shell', async () => {
  const on = await machine();
  const loop = mountImage(on, 'data', 'mkfs.ext4 -q -F', 'errors=remount-ro');
  const run = (shell: readonly string[]): { status: number | null; stdout: string } => {
    const [file = '', ...args] = [...on.prefix, ...shell, SCRIPT, 'nobody@localhost'];
    return spawnSync(file, args, { encoding: 'utf8', env: { PATH: process.env.PATH } });
  };
  for (const [, shell] of SHELLS) expect(run(shell).stdout).not.toContain(`${on.folder}/data`);
  on.sh(`echo 1 > /sys/fs/ext4/${loop}/trigger_fs_error`);
  for (const [, shell] of SHELLS) {
    const { status, stdout } = run(shell);
    expect([status, stdout]).toEqual([1, expect.stringContaining(`${on.folder}/data: READ-ONLY`)]);
  }
});
