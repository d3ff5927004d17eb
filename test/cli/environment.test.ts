import { chmod, chown, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cleanEnvironment } from '../../src/cli/environment.ts';
import { mptfix } from '../helpers/cli.ts';
import { smallGuest } from '../install/small-guest.ts';
import { sh, temporary } from '../machine/temporary.ts';
import { machine, mountImage } from '../watch/machine.ts';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What each interpreter, tool and library reads; all of it is gone. */
const HARMFUL = [
  ...['LD_PRELOAD', 'LD_LIBRARY_PATH', 'LD_AUDIT', 'NODE_OPTIONS', 'NODE_PATH', 'NODE_EXTRA_CA_CERTS'],
  ...['MAKEFLAGS', 'MAKEFILES', 'KBUILD_OUTPUT', 'KCFLAGS', 'GIT_DIR', 'GIT_SSH_COMMAND', 'GCC_EXEC_PREFIX'],
  ...['BASH_ENV', 'ENV', 'IFS', 'PERL5LIB', 'PERL5OPT', 'PYTHONPATH', 'LANG', 'LC_ALL', 'LOCPATH', 'TMPDIR'],
  ...['TAR_OPTIONS', 'XZ_OPT', 'GZIP', 'OPENSSL_CONF', 'SSL_CERT_FILE', 'MPTFIX_SENDMAIL', '__proto__'],
];

describe('of the caller’s environment is kept', () => {
  test('nothing that a tool could obey', async () => {
    const env = Object.fromEntries(HARMFUL.map((name) => [name, '/tmp/x']));
    await cleanEnvironment(env);
    expect(env).toEqual({ PATH });
  });

  test('what is harmless', async () => {
    const env = { TERM: 'xterm-256color', COLUMNS: '80', NO_COLOR: '1', TZ: 'Europe/Berlin', PATH: '/evil' };
    await cleanEnvironment(env);
    expect(env).toEqual({ ...env, PATH });
    const odd = { TERM: '../x', COLUMNS: '8\n', TZ: ':/etc/shadow', PATH: '' };
    await cleanEnvironment(odd);
    expect(odd).toEqual({ PATH });
  });

  test.each(['HOME', 'XDG_CACHE_HOME'])(
    '%s only where nobody else can change what is in it',
    async (name) => {
      const base = await temporary();
      const kept = async (path: string): Promise<boolean> => {
        const env = { [name]: path };
        await cleanEnvironment(env);
        return env[name] === path;
      };
      for (const folder of ['own', 'other', 'open']) await mkdir(join(base, folder));
      await chown(join(base, 'other'), 1000, 1000);
      await mkdir(join(base, 'other/of-root'));
      await chmod(join(base, 'open'), 0o777);
      await symlink('own', join(base, 'to-own'));
      await symlink('other/of-root', join(base, 'to-other'));
      const found = async (...names: string[]) =>
        Promise.all(names.map(async (one) => [one, await kept(join(base, one))]));
      expect(
        await found('own', 'to-own', 'own/not/yet', 'other', 'other/of-root', 'open', 'to-other', 'open/x'),
      ).toEqual([
        ['own', true],
        ['to-own', true],
        ['own/not/yet', true],
        ['other', false],
        ['other/of-root', false],
        ['open', false],
        ['to-other', false],
        ['open/x', false],
      ]);
      expect(await kept('relative')).toBe(false);
    },
  );
});

/** A library that leaves a mark in each process that loads it, and programs that do so when they are started. */
async function hostileEnvironment(): Promise<{
  env: Record<string, string>;
  marks: () => Promise<string[]>;
}> {
  const folder = await temporary({
    'preload.c': `#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void mark(void) {
  char name[256], program[256] = "";
  FILE *comm = fopen("/proc/self/comm", "r");
  if (comm) { if (fgets(program, sizeof program, comm)) {} fclose(comm); }
  for (char *c = program; *c; c++) if (*c == '\\n' || *c == '/') *c = 0;
  snprintf(name, sizeof name, "MARKS/loaded-%s", program);
  FILE *file = fopen(name, "w");
  if (file) fclose(file);
}`,
  });
  const marks = join(folder, 'marks');
  await mkdir(marks);
  await chmod(marks, 0o1777);
  sh(
    'sed -i "s,MARKS,$2," "$1/preload.c"; gcc -shared -fPIC -o "$1/preload.so" "$1/preload.c"',
    folder,
    marks,
  );
  await mkdir(join(folder, 'bin'));
  const names =
    'flock sh bash cat cp tar gcc make xz depmod modinfo setpriv unshare bwrap dd ls dmesg openssl node true touch find';
  for (const name of names.split(' ')) {
    await writeFile(
      join(folder, 'bin', name),
      `#!/bin/sh\n: > ${marks}/started-${name}\nexec /usr/bin/${name} "$@"\n`,
    );
    await chmod(join(folder, 'bin', name), 0o755);
  }
  const script = join(folder, 'script');
  await writeFile(script, `: > ${marks}/sourced\n`);
  const env = {
    PATH: `${join(folder, 'bin')}:${PATH}`,
    LD_PRELOAD: join(folder, 'preload.so'),
    ...{ BASH_ENV: script, ENV: script, MAKEFILES: script },
  };
  return { env, marks: () => readdir(marks) };
}

test('nor do they reach the process that the watch starts to write to disks', async () => {
  const on = await machine();
  mountImage(on, 'data', 'mkfs.ext4 -q -F');
  const { env, marks } = await hostileEnvironment();
  const run = await on.mptfix(['watch', 'once', '--probe'], { env: { ...env, LD_PRELOAD: '' } });
  expect([run.status, await marks()]).toEqual([0, []]);
});

describe('a hostile PATH and LD_PRELOAD reach no child:', () => {
  test.each([
    ['apply', (root: string) => ['apply', '--root', root, '--yes', '--offline']],
    ['rollback', (root: string) => ['rollback', '--root', root, '--yes']],
    ['harden', (root: string) => ['harden', '--root', root, '--apply', '--yes']],
    ['status', (root: string) => ['status', '--root', root]],
    ['watch install', (root: string) => ['watch', 'install', '--root', root, '--to', 'root', '--yes']],
    ['diagnose', () => ['diagnose']],
    ['recover', () => ['recover']],
  ])('%s', async (_, args) => {
    const { root } = await smallGuest();
    const { env, marks } = await hostileEnvironment();
    await mptfix(args(root), { env });
    // Node is started by the caller, before mptfix can do anything about it: its threads are named so, too.
    expect((await marks()).filter((name) => !/^loaded-(node|MainThread)/.test(name))).toEqual([]);
  });
});
