import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { RunOptions, RunResult, Sandbox } from '../../src/machine/program.ts';
import { runProgram } from '../../src/machine/run.ts';
import { put, temporary } from './temporary.ts';

const USER = { uid: 61811, gid: 61812 };
const PROGRAMS = ['sh', 'bash', 'cat', 'env', 'grep', 'id', 'ls', 'sleep', 'uname', 'unshare'];

let tree: string;
afterAll(() => rm(tree, { recursive: true, force: true }));

/** A system as small as can be: programs of this machine with their libraries, and what no program may see. */
beforeAll(async () => {
  tree = await mkdtemp('/var/tmp/mptfix-unit-');
  await put(tree, {
    'etc/issue': 'the tree\n',
    'home/admin/secret': 'of the tree\n',
    'var/lib/state': 'of the tree\n',
  });
  await chmod(tree, 0o755);
  await mkdir(join(tree, 'bin'));
  await symlink('../etc/issue', join(tree, 'bin/link'));
  for (const name of PROGRAMS) {
    const path = execFileSync('sh', ['-c', 'realpath "$(command -v "$1")"', 'sh', name]).toString().trim();
    execFileSync('cp', [path, join(tree, 'bin', name)]);
    const libraries = execFileSync('ldd', [path])
      .toString()
      .matchAll(/(\/\S+) \(0x/g);
    for (const [, library = ''] of libraries) {
      await mkdir(join(tree, dirname(library)), { recursive: true });
      execFileSync('cp', ['-L', library, join(tree, library)]);
    }
  }
});

function run(script: string, { sandbox = {}, ...options }: Options = {}): Promise<RunResult> {
  const whole: Sandbox = {
    readOnly: [],
    writable: [],
    programs: { root: tree, is32Bit: false },
    ...sandbox,
  };
  return runProgram(['sh', '-c', script], { effect: 'write', user: USER, ...options, sandbox: whole });
}

type Options = Partial<Omit<RunOptions, 'sandbox'>> & { readonly sandbox?: Partial<Sandbox> };

async function printed(script: string, options: Options = {}): Promise<string> {
  const { status, stdout, stderr } = await run(script, options);
  expect([status, stderr]).toEqual([0, '']);
  return stdout.toString();
}

describe('a program of a tree', () => {
  test('sees the tree’s programs, and nothing else of it or of this machine', async () => {
    const outside = await temporary({ secret: 'of the machine\n' });
    await chmod(outside, 0o755);
    expect(await printed('cat /etc/issue /bin/link')).toBe('the tree\nthe tree\n');
    const names = (await printed('ls /')).trim().split('\n');
    expect(names.filter((name) => !/^(bin|dev|etc|lib|lib64|proc|tmp|usr)$/.test(name))).toEqual([]);
    const places = [
      outside,
      '/home',
      '/var',
      '/root',
      '/tree',
      '/etc/passwd',
      '/usr/bin',
      '/proc/1/root/etc',
    ];
    for (const place of places) {
      const { status, stderr } = await run(`ls ${place}`);
      expect([place, status]).toEqual([place, 2]);
      expect(stderr).toMatch(/No such file|Permission denied/);
    }
  });

  test('writes to its own /tmp and to what is shown as writable alone', async () => {
    const [shown, other] = [await temporary(), await temporary({ file: 'x\n' })];
    await chmod(shown, 0o777);
    await chmod(other, 0o777);
    const sandbox = {
      readOnly: [{ from: other, to: '/other' }],
      writable: [{ from: shown, to: '/build/it' }],
    };
    const script = `echo x > /tmp/new; echo x > new; for place in /new /etc/new /bin/new /other/new /build/new /dev/new; do
      (echo x > $place) 2> /dev/null && echo wrote $place; done; pwd; cat /other/file`;
    expect(await printed(script, { sandbox, cwd: '/build/it' })).toBe('/build/it\nx\n');
    expect([await readdir(shown), await readdir(other)]).toEqual([['new'], ['file']]);
  });

  test('is the user, in no other group, with no capability, gains none, and sees no other process', async () => {
    expect(await printed('id -u; id -G')).toBe(`${USER.uid}\n${USER.gid}\n`);
    const status = await printed('cat /proc/self/status; echo /proc/[0-9]*');
    for (const name of ['Inh', 'Prm', 'Eff', 'Amb'])
      expect(status).toMatch(new RegExp(`Cap${name}:\\s*0{16}\\n`));
    expect(status).toMatch(/NoNewPrivs:\s*1\n/);
    expect(status.trim().split('\n').at(-1)?.split(' ').length).toBeLessThan(6);
    expect((await run('unshare -Ur id')).status).not.toBe(0);
  });

  test('reaches no network', async () => {
    const server = createServer((socket) => socket.end('hello\n'));
    onTestFinished(() => void server.close());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { status, stdout } = await run(`bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}; cat <&3'`);
    expect([status === 0, stdout.toString()]).toEqual([false, '']);
  });

  test('is held to its limits, and has input, environment and status as any other', async () => {
    const limits = { fileBytes: 5120, memoryBytes: 4096 * 100_000 };
    expect(await printed('ulimit -f; ulimit -v', { sandbox: { limits } })).toBe('10\n400000\n');
    const { status, stdout } = await run('cat; env; exit 7', { input: 'in\n', env: { KBUILD: '1' } });
    expect([status, stdout.toString()]).toEqual([7, expect.stringMatching(/^in\n[\s\S]*KBUILD=1\n/)]);
    expect((await run('no-such-program')).status).toBe(127);
  });

  test('of i386 is told that the machine is one', async () => {
    const programs = { root: tree, is32Bit: true };
    expect(await printed('uname -m', { sandbox: { programs } })).toBe('i686\n');
    expect(await printed('uname -m')).toBe('x86_64\n');
  });

  test('is never root', async () => {
    await expect(run('id', { user: undefined })).rejects.toThrow('would run as root');
  });

  test('whose folders are links leads nowhere on this machine', async () => {
    const hostile = await temporary({});
    await symlink('/etc', join(hostile, 'etc'));
    execFileSync('cp', ['-r', join(tree, 'bin'), join(tree, 'lib'), join(tree, 'lib64'), hostile]);
    const { status, stderr } = await run('ls /etc/', {
      sandbox: { programs: { root: hostile, is32Bit: false } },
    });
    expect([status, stderr]).toEqual([2, expect.stringMatching(/No such file|Too many levels/)]);
  });
});
