import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { put, temporary } from '../../machine/temporary.ts';
import { CASES, dmesg, kmsg, type Message } from '../cases.ts';
import { partitions } from '../guest.ts';
import { machine, mountImage } from '../machine.ts';
import { MOUNT_TABLES } from '../mount-tables.ts';
import { headersOf, relay } from '../notify/relay.ts';

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
  'hostname',
];
/** Of Debian’s package busybox or busybox-static: the latter’s shell takes its own tools before those of PATH. */
const BUSYBOX = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
const SHELLS: readonly (readonly [string, readonly string[], boolean])[] = [
  ['dash', ['dash'], false],
  ['busybox sh with its own tools', [BUSYBOX, 'sh'], true],
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
      '#!/bin/sh\n[ ! -e "$MPTFIX_ROOT/down" ] || exit 75\necho "$*" >>"$MPTFIX_ROOT/words"\n{ cat; echo "=== end"; } >>"$MPTFIX_ROOT/mails"\n',
  });
  for (const name of ['dmesg', 'sendmail']) await chmod(join(root, 'bin', name), 0o755);
  if (busybox) for (const name of APPLETS) await symlink(BUSYBOX, join(root, 'bin', name));
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

/** As the script makes it of the machine’s name. */
function hostOf([file = '', ...before]: readonly string[]): string {
  return execFileSync(file, [...before, '-c', "uname -n | tr -cd 'A-Za-z0-9._-'"], { encoding: 'utf8' });
}

describe.each(SHELLS)('under %s', (_, shell, busybox) => {
  // What a program wrote is told from the kernel's by its priority alone.
  const hasPriority = (log: readonly Message[]): boolean => log.some((one) => typeof one !== 'string');
  const cases = (['/dev/kmsg', 'dmesg -r', 'dmesg'] as const).flatMap((form) =>
    [...CASES, ...MOUNT_TABLES]
      .filter(({ log = [] }) => (form === 'dmesg' ? !hasPriority(log) : log.length > 0))
      .map((one) => ({
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
    const host = hostOf(shell);
    expect(subjects).toEqual([`${host} has read-only file systems`, 'writable again: /']);
  });

  test('does what the script of VMware’s article does, but for its alarm about a CD-ROM', async () => {
    const table = (option: string): string =>
      `/dev/sda1 / ext3 ${option} 0 0\n/dev/cdrom /mnt/cdrom iso9660 ro,nosuid,nodev 0 0\n`;
    const host = hostOf(shell);
    const { root, run, mails } = await guest(
      {
        'proc/mounts': table('rw'),
        'etc/fstab': '/dev/sda1 / ext3 defaults 1 1\n/dev/cdrom /mnt/cdrom auto noauto,owner 0 0\n',
        'etc/hosts': `127.0.0.1 localhost\n192.0.2.7 ${host}.example.org ${host}\n`,
      },
      [],
      busybox,
    );
    expect([run(shell, 'admin@example.org').status, await mails()]).toEqual([0, []]);
    await writeFile(join(root, 'proc/mounts'), table('ro'));
    expect(run(shell, 'admin@example.org').status).toBe(1);
    const sender = `root@${host.includes('.') ? host : `${host}.example.org`}`;
    expect(await readFile(join(root, 'words'), 'utf8')).toBe(`-f ${sender} -t\n`);
    const [mail = '', ...more] = await mails();
    const [headers = '', body = ''] = mail.split('\n\n', 2);
    expect(headers.split('\n')).toEqual([
      `From: ${sender}`,
      'To: admin@example.org',
      `Subject: ${host} has read-only file systems`,
      'Auto-Submitted: auto-generated',
    ]);
    expect([body, more]).toEqual([expect.stringContaining('/: READ-ONLY\n  ext3 on /dev/sda1'), []]);
  });

  test('a real MTA of Debian’s (msmtp) hands its mail to a relay', async () => {
    const server = await relay({ plain: true });
    const { root } = await guest(
      {
        'proc/mounts': '/dev/sda1 / ext3 ro 0 0\n',
        'etc/fstab': '/dev/sda1 / ext3 defaults 1 1\n',
        msmtprc: `account default\nhost 127.0.0.1\nport ${server.port}\nauth off\ntls off\n`,
      },
      [],
      busybox,
    );
    await chmod(join(root, 'msmtprc'), 0o600);
    await writeFile(join(root, 'bin/sendmail'), '#!/bin/sh\nexec msmtp -C "$MPTFIX_ROOT/msmtprc" "$@"\n');
    const [file = '', ...before] = shell;
    const env = { PATH: `${join(root, 'bin')}:${process.env.PATH}`, MPTFIX_ROOT: root };
    // The relay is in this process.
    const child = spawn(file, [...before, SCRIPT, 'admin@example.org'], { env, stdio: 'ignore' });
    const [status] = await once(child, 'exit');
    const headers = server.mails.map((mail) => headersOf(mail));
    expect([status, headers.map((all) => [all.get('To'), all.get('Subject')])]).toEqual([
      1,
      [['admin@example.org', `${hostOf(shell)} has read-only file systems`]],
    ]);
  });

  test.each([
    ['/dev/kmsg', '27 1 8:1 / /data rw - xfs /dev/sda1 rw\n', '31 1 8:1 / /data rw - xfs /dev/sda1 rw\n'],
    ['dmesg', '27 1 8:1 / /data rw - xfs /dev/sda1 rw\n', '31 1 8:1 / /data rw - xfs /dev/sda1 rw\n'],
    ['dmesg', undefined, undefined],
  ] as const)('an abort that the ring buffer has lost is not forgotten (%s)', async (form, table, anew) => {
    const mountTable = (text: string | undefined) =>
      text === undefined ? { 'proc/mounts': '/dev/sda1 /data xfs rw 0 0\n' } : { 'proc/1/mountinfo': text };
    const files = { 'proc/partitions': partitions('8:1 sda1'), ...mountTable(table) };
    const log = ['XFS (sda1): Log I/O Error Detected.  Shutting down filesystem'];
    const { root, run } = await guest(files, log, busybox, form);
    const logs = (text: readonly string[]) =>
      put(root, form === '/dev/kmsg' ? { 'dev/kmsg': kmsg(text) } : { 'log.txt': dmesg(text) });
    expect(run(shell, 'admin@example.org').status).toBe(1);
    await logs(['nf_conntrack: table full, dropping packet', 'eth0: link is up']);
    for (let runs = 0; runs < 3; runs += 1) {
      const { status, stdout } = run(shell, 'admin@example.org');
      expect([status, stdout]).toEqual([
        1,
        expect.stringContaining(`an earlier run saw in the log: ${log[0]}`),
      ]);
    }
    // Mounted anew: other numbers show it, or the log does.
    if (anew === undefined)
      await logs(['XFS mounting filesystem sda1', 'Ending clean XFS mount for filesystem: sda1']);
    else await put(root, mountTable(anew));
    expect(run(shell, 'admin@example.org').status).toBe(0);
    if (anew === undefined) await logs(['eth0: link is up']);
    expect(run(shell, 'admin@example.org').status).toBe(0);
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
      'From',
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
  expect(await readFile(join(root, 'run/mptfix-watch/seen'), 'utf8')).toBe('rw /dev/sda1,ext3\n');
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
