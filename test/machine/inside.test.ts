import { spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, readFile, symlink, unlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CAPABILITIES } from '../../src/machine/inside.ts';
import { localTarget, rootTarget } from '../../src/machine/tree.ts';
import { listing } from '../helpers/listing.ts';
import { failureOf, sh, temporary, until } from './temporary.ts';

const INSIDE = { effect: 'write', inside: { work: '/work' } } as const;

const TOOLS = 'dash ls cat env touch uname'.split(' ');
/** For the tool that tries to leave. */
const MORE = 'chroot mknod mount unshare cp rm setsid sleep perl'.split(' ');

/** A guest with a shell and some tools of its own, and the libraries that these need. */
async function guest(tools = TOOLS): Promise<string> {
  const root = await temporary({
    'etc/hostname': 'guest\n',
    'work/kept': '',
    file: 'x',
    home: { link: 'etc' },
  });
  for (const name of ['proc', 'dev', 'tmp', 'run', 'sys', 'bin']) await mkdir(join(root, name));
  const programs = tools.map((name) => sh('readlink -f "$(command -v "$1")"', name).trim());
  const libraries = sh('ldd "$@"', ...programs).match(/\/\S+(?= \()/g) ?? [];
  for (const path of new Set([...programs, ...libraries])) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await copyFile(path, join(root, path));
  }
  await symlink('dash', join(root, 'usr/bin/sh'));
  await symlink('/usr/bin/dash', join(root, 'bin/sh'));
  return root;
}

/** A program without any library. The calls of i386 are those that both kinds of program can make. */
const UNAME = `static struct { char field[6][65]; } name;
static int call(int number, long first, long second, long third) {
  int answer;
  __asm__ volatile("int $0x80" : "=a"(answer) : "a"(number), "b"(first), "c"(second), "d"(third) : "memory");
  return answer;
}
void _start(void) {
  int length = 0;
  call(122, (long)&name, 0, 0);
  while (name.field[4][length] != 0) length++;
  call(4, 1, (long)name.field[4], length);
  call(1, 0, 0, 0);
}
`;

const open = (root: string) => rootTarget(root, { dryRun: false });

async function shell(root: string, script: string): Promise<string> {
  const { status, stdout, stderr } = await open(root).run(['sh', '-c', script], INSIDE);
  expect([status, stderr]).toEqual([0, '']);
  return stdout.toString();
}

describe('a program of the guest', () => {
  test('sees its own files, a /proc of its own, the usual devices, and no network', async () => {
    const root = await guest();
    expect(
      await shell(
        root,
        'cat /etc/hostname; echo $$ /proc/[0-9]*; while read -r name _; do echo "$name"; done < /proc/net/dev',
      ),
    ).toMatch(/^guest\n(\d+) \/proc\/1 \/proc\/\1\nInter-\|\nface\nlo:\n$/);
    const devices = 'core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero'.split(' ');
    expect((await shell(root, 'ls /dev')).trim().split('\n')).toEqual(devices);
    expect(await shell(root, 'echo gone > /dev/null; cat < /dev/null; cat /dev/fd/0 < /etc/hostname')).toBe(
      'guest\n',
    );
  });

  test('has PATH, LC_ALL and what is given as its environment', async () => {
    const { stdout } = await open(await guest()).run(['env'], { ...INSIDE, env: { TMPDIR: '/x' } });
    const names = stdout.toString().match(/^\w+(?==)/gm) ?? [];
    expect(names.filter((name) => name !== 'PWD').sort()).toEqual(['LC_ALL', 'PATH', 'TMPDIR']);
  });

  test.each([
    ['i386', '-m32', 'i686'],
    ['x86_64', '-m64', 'x86_64'],
  ])('of a tree of %s is told so by uname', async (_architecture, option, machine) => {
    const root = await temporary({ 'work/kept': '', 'uname.c': UNAME });
    for (const name of ['proc', 'dev', 'tmp', 'run', 'sys', 'bin']) await mkdir(join(root, name));
    const words = ['-static', '-nostdlib', '-ffreestanding', '-fno-pic', '-no-pie', '-fno-stack-protector'];
    sh('cd "$1"; shift; gcc "$@" -o bin/sh uname.c', root, option, ...words);
    expect(await shell(root, '')).toBe(machine);
  });

  test('writes to its work folder alone, which it has as /tmp', async () => {
    const root = await guest();
    await mkdir(join(root, 'var/tmp'), { recursive: true });
    await mkdir(join(root, 'var/log'));
    const before = listing(root).filter((line) => !line.includes('work'));
    await shell(
      root,
      'ls /tmp; echo x > /tmp/one; echo x > /var/tmp/two; echo x > /run/file; echo x > /var/log/file',
    );
    const refused = `for place in /new /etc/new /etc/hostname /work/new /var/new /usr/bin/cat /proc/sys/kernel/hostname \
      /sys/kernel/uevent_helper /sys/module/new /dev/new; do (echo x >> $place) 2>/dev/null && echo "wrote $place"; done; :`;
    expect(await shell(root, refused)).toBe('');
    expect(await readdir(join(root, 'work'))).toEqual(['kept', 'one', 'two']);
    expect(listing(root).filter((line) => !line.includes('work'))).toEqual(before);
  });

  test('has the capabilities of the table, and cannot gain another', async () => {
    const status = await shell(await guest(), 'cat /proc/self/status');
    // Source: linux/capability.h
    const bits: Readonly<Record<string, bigint>> = {
      CAP_CHOWN: 0n,
      CAP_DAC_OVERRIDE: 1n,
      CAP_FOWNER: 3n,
      CAP_FSETID: 4n,
      CAP_SYS_CHROOT: 18n,
      CAP_MKNOD: 27n,
    };
    const all = CAPABILITIES.reduce((sum, { name }) => sum | (1n << (bits[name] ?? 63n)), 0n);
    const word = all.toString(16).padStart(16, '0');
    for (const name of ['CapEff', 'CapPrm']) expect(status).toContain(`${name}:\t${word}\n`);
    expect(status).toContain('NoNewPrivs:\t1');
  });

  test('has status, output, errors and input as any other', async () => {
    const { status, stdout, stderr } = await open(await guest()).run(
      ['sh', '-c', 'cat; echo err >&2; exit 5'],
      {
        ...INSIDE,
        input: 'in',
      },
    );
    expect([status, stdout.toString(), stderr]).toEqual([5, 'in', 'err\n']);
  });

  test('leaves nothing behind, neither a mount nor a folder, also where the tree lacks the folders or has links for them', async () => {
    const spoils = [
      ':',
      'cd "$1"; rmdir proc dev sys tmp run; mkdir .hidden "a b"',
      'cd "$1"; rmdir proc dev; ln -s /etc proc; ln -s / dev',
    ];
    for (const spoil of spoils) {
      const root = await guest();
      sh(spoil, root);
      const before = listing(root);
      const mounts = await readFile('/proc/self/mountinfo', 'utf8');
      expect(
        await shell(
          root,
          'cat /etc/hostname /home/hostname /file; ls /proc/self/exe /dev/null; echo x > /dev/null',
        ),
      ).toBe('guest\nguest\nx/dev/null\n/proc/self/exe\n');
      expect(listing(root)).toEqual(before);
      expect(await readFile('/proc/self/mountinfo', 'utf8')).toBe(mounts);
    }
  });
});

describe('a guest’s program is refused in words', () => {
  test('where the guest has none', async () => {
    const { code, what } = await failureOf(open(await guest()).run(['dracut'], INSIDE));
    expect([code, what]).toEqual(['E_TOOLS_MISSING', 'the guest has no dracut']);
  });

  test('that is made for another processor', async () => {
    const root = await guest();
    const foreign = await readFile(join(root, 'usr/bin/cat'));
    // e_machine: EM_S390
    foreign.writeUInt16LE(22, 18);
    await writeFile(join(root, 'usr/bin/cat'), foreign);
    await unlink(join(root, 'bin/sh'));
    await writeFile(join(root, 'bin/sh'), foreign, { mode: 0o755 });
    await writeFile(join(root, 'usr/bin/script'), '#!/bin/sh\n', { mode: 0o755 });
    for (const name of ['cat', 'script'])
      expect((await failureOf(open(root).run([name], INSIDE))).code).toBe('E_ARCH_UNSUPPORTED');
  });

  test('whose interpreter is not there', async () => {
    const root = await guest();
    await writeFile(join(root, 'usr/bin/script'), '#!/usr/bin/none\n', { mode: 0o755 });
    const { code, what } = await failureOf(open(root).run(['script'], INSIDE));
    expect([code, what]).toEqual([
      'E_TOOLS_MISSING',
      expect.stringContaining('/usr/bin/script of the guest cannot be started'),
    ]);
  });

  test('in a dry run', async () => {
    const target = rootTarget(await guest(), { dryRun: true });
    expect((await failureOf(target.run(['touch', '/x'], INSIDE))).code).toBe('E_DRY_RUN');
  });

  test('where the command only reads', async () => {
    const root = await guest();
    const run = open(root).run(['cat', '/etc/hostname'], { ...INSIDE, effect: 'read' });
    await expect(run).rejects.toThrow('a command that reads would run cat of the tree');
  });

  test('where its work folder is behind a link that leads out of the tree, or is none', async () => {
    const [root, victim] = [await guest(), await temporary()];
    await symlink(victim, join(root, 'away'));
    for (const work of ['/away', '/file', '/none']) {
      await expect(
        open(root).run(['touch', '/tmp/x'], { effect: 'write', inside: { work } }),
      ).rejects.toThrow();
    }
    expect(await readdir(victim)).toEqual([]);
  });
});

test('on this machine it is this machine’s own program', async () => {
  const { stdout } = await localTarget({ dryRun: false }).run(['uname', '-r'], INSIDE);
  expect(stdout.toString()).toBe(sh('uname -r'));
});

test('findInside looks in the guest alone', async () => {
  const root = await guest();
  const target = open(root);
  expect(await target.findInside('cat')).toBe('/usr/bin/cat');
  expect(await target.findInside('make')).toBeUndefined();
  await chmod(join(root, 'usr/bin/cat'), 0o644);
  expect(await target.findInside('cat')).toBeUndefined();
});

/**
 * Tries each way out, and prints what was reached. `$1` is a folder of this machine, `$2` a process, `$3` a port, `$4` the
 * name of an abstract socket.
 */
const WAYS_OUT = `#!/bin/sh
victim=$1 process=$2 port=$3 socket=$4
exec 2>/dev/null
reached() { echo "reached: $*"; }
for root in / /proc/1/root /proc/self/root /proc/1/cwd /proc/$PPID/root /dev/fd/3; do
  cat "$root$victim/secret" && reached "$root"
  (echo planted > "$root$victim/planted") && reached "write $root"
done
for descriptor in /proc/self/fd/* /proc/1/fd/*; do
  cat "$descriptor/../../../../../../..$victim/secret" && reached "$descriptor"
done
perl -e '
  opendir(my $old, "/"); mkdir "/tmp/jail"; chroot "/tmp/jail" or print "no chroot\n"; chdir $old;
  chdir ".." for 1 .. 100; chroot ".";
  print "reached: chroot\n" if open(my $file, "<", "$ARGV[0]/secret");
  open(my $planted, ">", "$ARGV[0]/planted") and print "reached: write by chroot\n";
' "$victim"
for device in "b 7 0" "b 254 0" "b 8 0" "c 1 1" "c 1 11"; do
  mknod -m 666 /tmp/node $device && (: < /tmp/node) && reached "device $device"
  rm -f /tmp/node
done
mount -t tmpfs none /tmp && reached mount
mount -t proc none /tmp && reached "mount of /proc"
mount --bind / /tmp && reached "bind mount"
mount -o remount,rw / && reached remount
unshare --mount true && reached "a mount namespace"
perl -e 'kill("KILL", $ARGV[0]) and print "reached: kill\n"; syscall(101, 16, $ARGV[0] + 0, 0, 0) == 0 and print "reached: ptrace\n"' "$process"
perl -e 'for my $pid (1 .. 40000) { next unless -e "/proc/$pid"; print "reached: process $pid\n" if readlink("/proc/$pid/exe") =~ /node/ }'
perl -MSocket -e '
  socket(my $tcp, PF_INET, SOCK_STREAM, 0);
  connect($tcp, sockaddr_in($ARGV[0], inet_aton("127.0.0.1"))) and print "reached: network\n";
  socket(my $unix, PF_UNIX, SOCK_STREAM, 0);
  connect($unix, pack("S a*", 1, "\0$ARGV[1]")) and print "reached: abstract socket\n";
' "$port" "$socket"
cp /usr/bin/cat /usr/bin/planted && reached "its own programs"
(setsid setsid sh -c 'sleep 600; :' "$victim" &)
perl -MSocket -e 'print "done\n"'
`;

test('a planted tool that tries to leave gets nowhere, and nothing of it is left', async () => {
  const [root, victim] = [await guest([...TOOLS, ...MORE]), await temporary({ secret: 'seen\n' })];
  sh(
    'folder=$(dirname "$(perl -MSocket -e "print \\$INC{q(Socket.pm)}")"); mkdir -p "$1$folder"; cp -a "$folder/." "$1$folder"',
    root,
  );
  await writeFile(join(root, 'usr/bin/mkinitramfs'), WAYS_OUT, { mode: 0o755 });
  const sleeper = spawn('sleep', ['600']);
  onTestFinished(() => void sleeper.kill('SIGKILL'));
  const name = `mptfix-test-${process.pid}`;
  const [tcp, unix] = [createServer(), createServer()];
  onTestFinished(() => [tcp, unix].forEach((server) => void server.close()));
  const port = await new Promise<number>((resolve) =>
    tcp.listen(0, '127.0.0.1', () => resolve((tcp.address() as AddressInfo).port)),
  );
  await new Promise<void>((resolve) => unix.listen(`\0${name}`, resolve));
  const before = listing(victim);
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  const argv = ['mkinitramfs', victim, String(sleeper.pid), String(port), name] as const;
  const { stdout } = await open(root).run(argv, INSIDE);
  expect(stdout.toString()).toBe('done\n');
  expect(listing(victim)).toEqual(before);
  expect(await readFile('/proc/self/mountinfo', 'utf8')).toBe(mounts);
  expect([sleeper.exitCode, sleeper.signalCode]).toEqual([null, null]);
  await until(() => sh('ps -eo args | grep -F -- "$1" | grep -v grep || :', victim) === '');
});
