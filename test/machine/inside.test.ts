import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { localTarget, rootTarget } from '../../src/machine/tree.ts';
import { listing } from '../helpers/listing.ts';
import { failureOf, sh, temporary } from './temporary.ts';

const INSIDE = { effect: 'write', inside: true } as const;

const TOOLS = ['dash', 'ls', 'cat', 'env', 'touch', 'uname'];

/** A guest with a shell and some tools of its own, and the libraries that these need. */
async function guest(): Promise<string> {
  const root = await temporary({ 'etc/hostname': 'guest\n', file: 'x', home: { link: 'etc' } });
  for (const name of ['proc', 'dev', 'tmp', 'run', 'sys', 'bin']) await mkdir(join(root, name));
  const programs = TOOLS.map((name) => sh('readlink -f "$(command -v "$1")"', name).trim());
  const libraries = sh('ldd "$@"', ...programs).match(/\/\S+(?= \()/g) ?? [];
  for (const path of new Set([...programs, ...libraries])) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await copyFile(path, join(root, path));
  }
  await symlink('dash', join(root, 'usr/bin/sh'));
  await symlink('/usr/bin/dash', join(root, 'bin/sh'));
  return root;
}

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
    const devices = [
      'fd',
      'full',
      'null',
      'pts',
      'random',
      'shm',
      'stderr',
      'stdin',
      'stdout',
      'tty',
      'urandom',
      'zero',
    ];
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

  test('writes to its own tree, but not to /sys, /proc or this machine’s devices', async () => {
    const root = await guest();
    await shell(root, 'echo new > /written; echo secret > /tmp/file; echo x > /dev/node; echo x > /run/file');
    expect(await readFile(join(root, 'written'), 'utf8')).toBe('new\n');
    const { status } = await open(root).run(
      ['sh', '-c', 'echo x > /proc/sys/kernel/hostname || echo x > /sys/kernel/uevent_helper'],
      INSIDE,
    );
    expect(status).not.toBe(0);
    for (const folder of ['tmp', 'dev', 'run', 'proc', 'sys']) {
      expect(execFileSync('ls', ['-A', join(root, folder)]).toString()).toBe('');
    }
  });

  test('cannot load modules into the kernel that runs here', async () => {
    const status = await shell(await guest(), 'cat /proc/self/status');
    const bounding = BigInt(`0x${/^CapBnd:\s*(\w+)/m.exec(status)?.[1]}`);
    // CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_BOOT, CAP_SYS_TIME. Source: linux/capability.h
    for (const bit of [16n, 17n, 22n, 25n]) expect((bounding >> bit) & 1n).toBe(0n);
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
          'cat /etc/hostname /home/hostname /file; ls /proc/self/exe /dev/null; echo x > /tmp/y',
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
    await writeFile(join(root, 'usr/bin/script'), '#!/usr/bin/perl\n', { mode: 0o755 });
    const { code, what } = await failureOf(open(root).run(['script'], INSIDE));
    expect([code, what]).toEqual([
      'E_TOOLS_MISSING',
      expect.stringContaining('/usr/bin/script of the guest cannot be started'),
    ]);
  });

  test('in a dry run, where it writes', async () => {
    const target = rootTarget(await guest(), { dryRun: true });
    expect((await failureOf(target.run(['touch', '/x'], INSIDE))).code).toBe('E_DRY_RUN');
    expect(
      (await target.run(['cat', '/etc/hostname'], { ...INSIDE, effect: 'read' })).stdout.toString(),
    ).toBe('guest\n');
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
