import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readInstaller } from '../../../src/bundle/installer.ts';
import { packBundle } from '../../../src/bundle/pack.ts';
import { sha256 } from '../../../src/hash.ts';
import { ARTIFACT } from '../../faults/artifact.ts';
import { hungFolder } from '../../helpers/hung-folder.ts';
import { put, sh, temporary, until } from '../../machine/temporary.ts';
import { type Machine, machine, mountImage } from '../../watch/machine.ts';
import { headersOf, relay } from '../../watch/notify/relay.ts';
import { SHELLS } from '../old-guest.ts';

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Makes the file of a bundle in that folder; answers its path. */
async function bundleIn(folder: string): Promise<string> {
  const release = '2.6.18-8.el5';
  const path = `/lib/modules/${release}/kernel/drivers/message/fusion/mptscsih.ko`;
  const file = join(folder, 'bundle.run');
  await writeFile(
    file,
    packBundle(
      {
        kernel: { release, base: '2.6.18', distro: 'RHEL 5', packageVersion: null },
        architecture: 'i386',
        module: { name: 'mptscsih', path, sha256: sha256('old') },
        bytes: Buffer.from('module'),
        artifact: ARTIFACT,
        reindex: false,
        tool: 'mptfix 0.0.0',
      },
      await readInstaller(),
    ),
  );
  return file;
}

/** While it runs, this process goes on: a relay may be in it. */
async function run(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const [file = '', ...args] = words;
  const child = spawn(file, args, {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  const [status] = await once(child, 'close');
  return { status, stdout, stderr };
}

/** A machine with an ext3 at `data`, a bundle, and a sendmail that keeps what it gets in `mails`. */
async function guest(): Promise<{ on: Machine; bundle: string; fail: () => void; path: string }> {
  const on = await machine();
  const bundle = await bundleIn(on.folder);
  const loop = mountImage(on, 'data', 'mkfs.ext3 -q -F', 'errors=remount-ro');
  await put(on.folder, {
    'bin/sendmail': `#!/bin/sh\n[ ! -e ${on.folder}/down ] || exit 75\n{ echo "words: $*"; cat; echo "=== end"; } >>${on.folder}/mails\n`,
    'bin/date': `#!/bin/sh\n[ "$1" != +%s ] || exec expr $(/bin/date +%s) + \${LATER:-0}\nexec /bin/date "$@"\n`,
  });
  on.sh('chmod 755 . bin/*');
  return {
    on,
    bundle,
    fail: () => on.sh(`echo 1 > /sys/fs/ext4/${loop}/trigger_fs_error`),
    path: `${on.folder}/bin:${process.env.PATH}`,
  };
}

async function mailsOf({ folder }: Machine): Promise<readonly string[]> {
  const text = await readFile(join(folder, 'mails'), 'utf8').catch(() => '');
  return text.split('=== end\n').filter((mail) => mail !== '');
}

test('a real ext3 whose journal was aborted: the page, Nagios, Prometheus and JSON', {
  timeout: 240_000,
}, async () => {
  const { on, bundle, fail, path } = await guest();
  const watch = (shell: readonly string[], ...args: readonly string[]): Promise<Run> =>
    run([...on.prefix, ...shell, bundle, 'watch', ...args], { PATH: path });
  const dash = ['dash'];
  const place = `${on.folder}/data`;
  const file = join(on.folder, 'mptfix.prom');
  const fine = await watch(dash, '--nagios', '--prometheus', file);
  expect(fine).toMatchObject({ status: 0, stderr: '' });
  expect(fine.stdout).toMatch(
    /^MPTFIX OK - \d+ file systems are fine \| read_only=0;;0;0 errors=0;0;;0 file_systems=\d+;;;0\n$/,
  );
  expect(await readFile(file, 'utf8')).toContain(`mptfix_filesystem_read_only{mountpoint="${place}",`);
  fail();
  for (const [name, shell] of SHELLS) {
    const { status, stdout, stderr } = await watch(shell);
    expect([name, status, stderr]).toEqual([name, 10, '']);
    expect(stdout).toContain(`${place}: READ-ONLY (ext3 on /dev/loop`);
  }
  const nagios = await watch(dash, '--nagios');
  expect(nagios).toMatchObject({ status: 2, stderr: '' });
  expect(nagios.stdout.split('\n')).toHaveLength(2);
  expect(nagios.stdout).toContain(`MPTFIX CRITICAL - ${place} (/dev/loop`);
  const { status, stdout } = await watch(dash, '--json', '--prometheus', file);
  expect([status, JSON.parse(stdout)]).toEqual([
    10,
    expect.objectContaining({ schema: 'mptfix.bundle/1', command: 'watch', result: 'read-only' }),
  ]);
  const metrics = await readFile(file, 'utf8');
  expect(metrics).toMatch(
    new RegExp(`^mptfix_filesystem_read_only\\{mountpoint="${place}",.*state="read-only"\\} 1$`, 'm'),
  );
  expect(metrics).toMatch(/^mptfix_watch_can_tell 1$/m);
  expect((await stat(file)).mode & 0o7777).toBe(0o644);
  // Not root, and a kernel whose log is root's alone: the table still tells; nothing is kept.
  const other = await run([
    ...on.prefix,
    'setpriv',
    '--reuid=65534',
    '--clear-groups',
    'dash',
    bundle,
    'watch',
  ]);
  expect(other.status).toBe(10);
});

test('what is no plain file is not written to by --prometheus', async () => {
  const on = await machine();
  const { folder } = on;
  await put(folder, { victim: 'mine', link: { link: 'victim' }, 'folder/x': '' });
  const bundle = await bundleIn(folder);
  const watch = (name: string): Promise<Run> =>
    run([...on.prefix, 'dash', bundle, 'watch', '--prometheus', join(folder, name)]);
  sh('mkfifo "$1/fifo"', folder);
  const before = readdirSync(folder).toSorted();
  for (const name of ['link', 'folder', 'fifo', 'folder/', 'no/such', 'victim/x']) {
    const { status, stderr } = await watch(name);
    expect([name, status === 0, stderr.includes('was not written')]).toEqual([name, false, true]);
  }
  expect(readdirSync(folder).toSorted()).toEqual(before);
  expect(readFileSync(join(folder, 'victim'), 'utf8')).toBe('mine');
  // A link that somebody put where the new file is made.
  await symlink('victim', join(folder, '.new.mptfix.tmp'));
  await watch('new');
  expect(readFileSync(join(folder, 'victim'), 'utf8')).toBe('mine');
  expect(readFileSync(join(folder, 'new'), 'utf8')).toContain('mptfix_watch_last_run_timestamp_seconds');
});

test('wrong words are status 2, and 3 with one line for Nagios', async () => {
  const bundle = await bundleIn(await temporary());
  const WRONG = [
    ['watch', '--bogus'],
    ['watch', '--prometheus'],
    ['watch', '--prometheus='],
    ['watch', 'extra'],
    ['watch', '--mail', 'a@b', '--mail', 'c@d'],
    ['watch', '--mail', 'a@b\nBcc: c@d'],
    ['watch', '--mail', '-t'],
    ['watch', '--mail', '$(id)@x'],
    ['watch', '--mail', 'a@b', '--relay', '-oProxy'],
    ['watch', '--mail', 'a@b', '--relay', 'host;id'],
    ['watch', '--mail', 'a@b', '--relay', 'host:25x'],
    ['watch', '--mail', 'a@b', '--root', '/nowhere'],
    ['watch', '--relay', 'host'],
    ['watch', '--install', '--uninstall'],
    ['watch', '--install', '--prometheus', 'relative'],
    ['watch', '--install', '--prometheus', '/a b%'],
    ['watch', '--uninstall', '--mail', 'a@b'],
    ['status', '--mail', 'a@b'],
    [],
  ] as const;
  for (const words of WRONG) {
    const { status, stdout } = await run(['dash', bundle, ...words]);
    expect([words, status, stdout]).toEqual([words, 2, '']);
    const plugin = await run(['dash', bundle, ...words, '--nagios']);
    expect([words, plugin.status, plugin.stderr]).toEqual([words, 3, '']);
    expect(plugin.stdout).toMatch(/^MPTFIX UNKNOWN - [^\n|]*\n$/);
  }
  const mail = await run(['dash', bundle, 'watch', '--mail', 'a@b', '--nagios']);
  expect(mail.status).toBe(3);
});

/** Processes of that session that are not dead yet. */
function left(session: number): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [state, , , own] = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ');
        return own === String(session) && state !== 'Z';
      } catch {
        return false;
      }
    });
}

describe('a folder of PATH on a mount that hangs', () => {
  test.each([
    ['ends within its time', undefined, 3],
    ['ends by a signal', 'SIGTERM', 143],
  ] as const)('the plugin %s, and leaves no process', { timeout: 120_000 }, async (_, signal, expected) => {
    const bundle = await bundleIn(await temporary());
    const hung = await hungFolder();
    const child = spawn('/bin/dash', [bundle, 'watch', '--nagios'], {
      detached: true,
      env: { PATH: `${hung}:${process.env.PATH}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.on('data', (data) => (said += data));
    const session = child.pid ?? 0;
    if (signal !== undefined) {
      await until(() => left(session).length > 2);
      child.kill(signal);
    }
    const [status] = await once(child, 'exit');
    expect(status).toBe(expected);
    if (signal === undefined)
      expect(said).toMatch(/^MPTFIX UNKNOWN - nothing was found out within 9 s[^|\n]*\n$/);
    await until(() => left(session).length === 0);
  });
});

test('mail: once for an event, again a day later, and when it is over; always where nothing can be kept', {
  timeout: 240_000,
}, async () => {
  const { on, bundle, fail, path } = await guest();
  const watch = (env: Readonly<Record<string, string>> = {}): Promise<Run> =>
    run([...on.prefix, 'dash', bundle, 'watch', '--mail', 'admin@example.org'], { PATH: path, ...env });
  const subjects = async (): Promise<readonly string[]> =>
    (await mailsOf(on)).map((mail) => /^Subject: \S+ (.*)$/m.exec(mail)?.[1] ?? mail);
  expect(await watch()).toMatchObject({ status: 0, stderr: '' });
  expect(await subjects()).toEqual([]);
  fail();
  await writeFile(join(on.folder, 'down'), '');
  const untold = await watch();
  expect([untold.status, untold.stderr]).toEqual([3, expect.stringContaining('nobody could be told')]);
  on.sh('rm down');
  for (let runs = 0; runs < 3; runs += 1) expect((await watch()).status).toBe(10);
  expect(await subjects()).toEqual(['has read-only file systems']);
  for (let runs = 0; runs < 2; runs += 1) await watch({ LATER: '90000' });
  await watch({ LATER: '180000' });
  expect(await subjects()).toHaveLength(3);
  const [mail = ''] = await mailsOf(on);
  expect(mail).toMatch(/^words: -f root@\S+ -t\nFrom: root@\S+\nTo: admin@example.org\nSubject: /);
  // Nothing can be kept: it tells each time.
  on.sh('mount -t tmpfs -o ro none /run; mount -t tmpfs -o ro none /dev/shm');
  for (let runs = 0; runs < 2; runs += 1) expect((await watch()).status).toBe(10);
  on.sh('umount /run; umount /dev/shm');
  expect(await subjects()).toHaveLength(5);
  on.sh('umount data');
  expect((await watch({ LATER: '180000' })).status).toBe(0);
  const all = await mailsOf(on);
  expect([all.length, all.at(-1)]).toEqual([6, expect.stringContaining(`writable again: ${on.folder}/data`)]);
});

test('a real SMTP server gets the mail by nc, by bash and by telnet; without them, or without it, that is said', {
  timeout: 240_000,
}, async () => {
  const { on, bundle, fail, path } = await guest();
  const server = await relay({ plain: true });
  fail();
  await writeFile(join(on.folder, 'down'), '');
  const busybox = sh('command -v busybox').trim();
  const send = (port = server.port, shell: readonly string[] = ['dash']): Promise<Run> =>
    run(
      [
        ...on.prefix,
        ...shell,
        bundle,
        'watch',
        '--mail',
        'admin@example.org',
        '--relay',
        `127.0.0.1:${port}`,
      ],
      { PATH: path },
    );
  // What is not on this machine's disks is not found by the path that the bundle adds.
  const hide = (name: string): string =>
    on.sh(
      `: >nothing; for f in /bin/${name} /usr/bin/${name}; do [ ! -e $f ] || mount --bind nothing $f; done`,
    );
  hide('nc');
  hide('telnet');
  let sent = 0;
  const mailed = async (program: string, shell: readonly string[]): Promise<void> => {
    on.sh('rm -rf /run/mptfix-watch');
    const { status, stderr } = await send(server.port, shell);
    expect([program, shell, status, stderr]).toEqual([program, shell, 10, '']);
    sent += 1;
    expect(server.mails).toHaveLength(sent);
    const mail = server.mails.at(-1) ?? '';
    expect([...headersOf(mail).keys()].slice(-5)).toEqual([
      'Date',
      'From',
      'To',
      'Subject',
      'Auto-Submitted',
    ]);
    expect(headersOf(mail).get('Subject')).toMatch(/ has read-only file systems$/);
    expect(mail).toContain(`${on.folder}/data: READ-ONLY\r\n`);
  };
  await mailed('bash', ['dash']);
  await symlink(busybox, join(on.folder, 'bin/nc'));
  for (const [, shell] of SHELLS) await mailed('nc', shell);
  on.sh('rm bin/nc');
  hide('bash');
  await symlink(busybox, join(on.folder, 'bin/telnet'));
  await mailed('telnet', ['dash']);
  on.sh('rm bin/telnet');
  on.sh('rm -rf /run/mptfix-watch');
  const without = await send();
  expect([without.status, without.stderr]).toEqual([
    3,
    expect.stringContaining('there is neither nc nor telnet, nor a bash'),
  ]);
  await symlink(busybox, join(on.folder, 'bin/nc'));
  // One that refuses, and one that is not there.
  const refusing = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('220 hi\r\n');
    socket.on('data', () => socket.write('550 not from you\r\n'));
  });
  await new Promise<void>((ready) => refusing.listen(0, '127.0.0.1', ready));
  const { port } = refusing.address() as { readonly port: number };
  const refused = await send(port);
  expect([refused.status, refused.stderr]).toEqual([
    3,
    expect.stringContaining('answered: 550 not from you'),
  ]);
  refusing.close();
  const gone = await send(port);
  expect([gone.status, gone.stderr]).toEqual([3, expect.stringContaining('no answer within 20 s (by nc)')]);
  // The mailer of the guest is the second choice.
  on.sh('rm down');
  expect((await send(port)).status).toBe(10);
  expect(await mailsOf(on)).toHaveLength(1);
});

/** Every file and folder with its mode, owner, and content; of files the time too. */
function listing(root: string): string {
  return sh(
    `cd "$1"; find . -not -type d -printf '%p %y %m %U %G %T@ %l\\n' -o -printf '%p %y %m %U %G\\n' | sort
     find . -type f -exec sha256sum {} + | sort`,
    root,
  );
}

test('cron.d in a tree: entered twice, taken out, and the tree is as it was', async () => {
  const root = await temporary({
    'etc/cron.d/other': '* * * * * root true\n',
    'var/lib/x': '',
    'proc/.keep': '',
    'var/run': { link: '/run' },
  });
  const bundle = await bundleIn(await temporary());
  const watch = (...args: readonly string[]): Promise<Run> =>
    run(['dash', bundle, 'watch', '--root', root, ...args]);
  const before = listing(root);
  expect(await watch('--uninstall')).toMatchObject({
    status: 0,
    stdout: 'no watch of a bundle is installed\n',
  });
  for (const address of ['root', 'a%b@example.org']) {
    const args = address === 'root' ? [] : ['--mail', address, '--relay', '[::1]:2525'];
    expect(await watch('--install', ...args)).toMatchObject({ status: 0, stderr: '' });
    const words = address === 'root' ? '--mail root' : '--mail a\\%b@example.org --relay [::1]:2525';
    expect(readFileSync(join(root, 'etc/cron.d/mptfix-watch'), 'utf8')).toBe(
      `# mptfix: the watch of a bundle.\n*/10 * * * * root sh /var/lib/mptfix/watch/watch.sh watch ${words} >/dev/null\n`,
    );
  }
  expect((await stat(join(root, 'etc/cron.d/mptfix-watch'))).mode & 0o7777).toBe(0o644);
  expect((await stat(join(root, 'var/lib/mptfix/watch'))).mode & 0o7777).toBe(0o700);
  // The copy takes itself out, when the file that it came from is gone.
  const copy = join(root, 'var/lib/mptfix/watch/watch.sh');
  expect(await run(['dash', copy, 'watch', '--root', root, '--install'])).toMatchObject({
    status: 0,
    stderr: '',
  });
  expect(await run(['dash', copy, 'watch', '--root', root, '--uninstall'])).toMatchObject({
    status: 0,
    stderr: '',
  });
  expect(listing(root)).toBe(before);
  // What is of mptfix itself, or leads out of the tree, is left alone.
  await writeFile(join(root, 'etc/cron.d/mptfix-watch'), '# mptfix watch: begin\n');
  const foreign = await watch('--install', '--json');
  expect([foreign.status, JSON.parse(foreign.stdout).error.code]).toEqual([3, 'E_SCHEDULE']);
  const outside = await temporary({ 'x/.keep': '' });
  sh('rm -r "$1/etc/cron.d"; ln -s "$2" "$1/etc/cron.d"', root, outside);
  const escaping = await watch('--install', '--json');
  expect([escaping.status, JSON.parse(escaping.stdout).error.code]).toEqual([3, 'E_TREE_ESCAPES']);
  expect(readdirSync(outside)).toEqual(['x']);
});

/** As the cron of Vixie up to 2003 did it: crontab -l shows three lines of its own, which are no part of the table. */
const CRONTAB = `#!/bin/sh
case $1 in
-l) [ -e "$SPOOL" ] || { echo "no crontab for root" >&2; exit 1; }; cat "$SPOOL" ;;
-r) rm "$SPOOL" ;;
*) [ ! -e "$SPOOL.full" ] || exit 1
  { echo "# DO NOT EDIT THIS FILE - edit the master and reinstall."; echo "# ($1 installed on a day)"; echo "# (Cron version -- V5.0)"; cat "$1"; } >"$SPOOL" ;;
esac
`;

test.each([
  ['none', undefined],
  ['an empty one', ''],
  ['one with empty lines', '\n# mine\n0 4 * * * backup\n\n\n'],
])('the crontab of root, of which there was %s', { timeout: 120_000 }, async (_, table) => {
  const on = await machine();
  const bundle = await bundleIn(on.folder);
  await put(on.folder, { 'bin/crontab': CRONTAB });
  await mkdir(join(on.folder, 'lib'));
  const spool = join(on.folder, 'spool');
  on.sh('chmod 755 bin/crontab; mount -t tmpfs none /var/lib');
  on.sh(
    'mkdir up work; mount -t overlay -o lowerdir=/etc,upperdir=up,workdir=work overlay /etc; rm -rf /etc/cron.d',
  );
  on.sh('mkdir local; cp bin/crontab local/; mount --bind local /usr/local/sbin');
  const header =
    '# DO NOT EDIT THIS FILE - edit the master and reinstall.\n# (x installed on a day)\n# (Cron version -- V5.0)\n';
  if (table !== undefined) await writeFile(spool, header + table);
  const watch = (...args: readonly string[]): Promise<Run> =>
    run([...on.prefix, 'dash', bundle, 'watch', ...args], {
      PATH: `${on.folder}/bin:/usr/bin:/bin`,
      SPOOL: spool,
    });
  const own = (): string => readFileSync(spool, 'utf8').split('\n').slice(3).join('\n');
  await writeFile(`${spool}.full`, '');
  expect((await watch('--install')).status).toBe(8);
  on.sh('rm spool.full; [ ! -e /var/lib/mptfix ]');
  for (let times = 0; times < 2; times += 1) {
    expect(await watch('--install', '--mail', 'a@b')).toMatchObject({ status: 0, stderr: '' });
    expect(own()).toBe(
      `${table ?? ''}# mptfix: the watch of a bundle.\n*/10 * * * * sh /var/lib/mptfix/watch/watch.sh watch --mail a@b >/dev/null\n# mptfix: end of the watch of a bundle.\n`,
    );
  }
  expect(await watch('--uninstall')).toMatchObject({ status: 0, stderr: '' });
  if (table === undefined) expect(readdirSync(on.folder)).not.toContain('spool');
  else expect(own()).toBe(table);
  on.sh('[ ! -e /var/lib/mptfix ]; [ ! -e /run/mptfix-watch ]');
});

test('the line of cron runs with what cron gives it, and mails', { timeout: 120_000 }, async () => {
  const { on, bundle, fail } = await guest();
  on.sh(
    'mount -t tmpfs none /var/lib; mkdir up work; mount -t overlay -o lowerdir=/etc,upperdir=up,workdir=work overlay /etc',
  );
  on.sh('mkdir -p /etc/cron.d local; cp bin/sendmail local/; mount --bind local /usr/local/sbin');
  expect(
    await run([...on.prefix, 'dash', bundle, 'watch', '--install', '--mail', 'admin@example.org']),
  ).toMatchObject({ status: 0 });
  on.sh('rm bundle.run');
  fail();
  const [, line = ''] = on.sh('cat /etc/cron.d/mptfix-watch').split('\n');
  const command = line.replace(/^\*\/10 \* \* \* \* root /, '').replaceAll('\\%', '%');
  const [program = '', ...prefix] = on.prefix;
  const child = await run([
    program,
    ...prefix,
    'env',
    '-i',
    'SHELL=/bin/sh',
    'PATH=/usr/bin:/bin',
    'LOGNAME=root',
    '/bin/sh',
    '-c',
    command,
  ]);
  expect(child).toEqual({ status: 10, stdout: '', stderr: '' });
  expect(await mailsOf(on)).toHaveLength(1);
});
