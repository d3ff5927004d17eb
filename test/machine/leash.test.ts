import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/machine/run.ts';
import { sh, temporary, until } from './temporary.ts';

const WRITE = { effect: 'write' } as const;

/** Processes that still run and have a text in their arguments. */
function running(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const ended = /^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
        return !ended && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(mark);
      } catch {
        return false;
      }
    });
}

/** A script whose grandchildren would write for ever. */
function endless(folder: string): string {
  return `sh -c 'while :; do echo x >> "$0/written"; done' "${folder}" & setsid sh -c 'sleep 600; :' "${folder}"`;
}

/** A Node that runs a program through the target and is killed, as a user or a power cut may do to mptfix. */
async function killedWhile(folder: string, settings: string): Promise<void> {
  const program = `
    const { runProgram } = await import(${JSON.stringify(resolve('src/machine/run.ts'))});
    await runProgram(['sh', '-c', process.argv[1]], { effect: 'write', ${settings} });`;
  const node = spawn(process.execPath, ['--input-type=module', '-e', program, endless(folder)], {
    stdio: 'ignore',
  });
  const ended = once(node, 'exit');
  await until(() => running(folder).length > 2 && readdirSync(folder).includes('written'));
  node.kill('SIGKILL');
  await ended;
  await until(() => running(folder).length === 0);
}

describe('when mptfix is killed', () => {
  test('a program that writes and all that it has started are dead at once', async () => {
    const folder = await temporary();
    await killedWhile(folder, '');
    const written = readFileSync(join(folder, 'written'), 'utf8');
    await new Promise((later) => setTimeout(later, 50));
    expect(readFileSync(join(folder, 'written'), 'utf8')).toBe(written);
  });

  test('at any moment, even while it starts one, nothing goes on', async () => {
    const folder = await temporary();
    const program = `
      const { runProgram } = await import(${JSON.stringify(resolve('src/machine/run.ts'))});
      process.stdout.write('ready');
      for (;;) await runProgram(['sh', '-c', 'sleep 600; :', process.argv[1]], { effect: 'write', timeoutMs: 15 });`;
    for (let delay = 0; delay < 24; delay += 2) {
      const node = spawn(process.execPath, ['--input-type=module', '-e', program, folder], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      await once(node.stdout, 'data');
      await new Promise((later) => setTimeout(later, delay));
      node.kill('SIGKILL');
      await once(node, 'exit');
    }
    await until(() => running(folder).length === 0);
  });

  test('one that may outlive it goes on', async () => {
    const folder = await temporary();
    const program = `
      const { runProgram } = await import(${JSON.stringify(resolve('src/machine/run.ts'))});
      await runProgram(['sh', '-c', 'sleep 0.3; echo done > "$0/done"', process.argv[1]], { effect: 'write', mayOutlive: true });`;
    const node = spawn(process.execPath, ['--input-type=module', '-e', program, folder], { stdio: 'ignore' });
    await until(() => running(folder).length > 1);
    node.kill('SIGKILL');
    await until(() => readdirSync(folder).includes('done'));
  });
});

describe('when a program ends, what it has started and left behind with closed outputs ends too:', () => {
  const user = { uid: 61234, gid: 61235 };
  const left = (start: string) => `${start} sh -c 'sleep 600; :' "$0" < /dev/null > /dev/null 2>&1 & exit 3`;

  test.each([
    ['one that writes', '', WRITE],
    ['one that writes, in a session of its own', 'setsid', WRITE],
    ['one that writes as another user', '', { ...WRITE, user }],
    ['one that reads', '', { effect: 'read' }],
    ['one that reads as another user', '', { effect: 'read', user }],
  ] as const)('%s', async (_, start, options) => {
    const folder = await temporary();
    const { status } = await runProgram(['sh', '-c', left(start), folder], options);
    expect(status).toBe(3);
    await until(() => running(folder).length === 0);
  });

  test('but not where it may outlive mptfix', async () => {
    const folder = await temporary();
    const script = `(sleep 0.3; echo done > "$0/done") < /dev/null > /dev/null 2>&1 & exit 0`;
    await runProgram(['sh', '-c', script, folder], { ...WRITE, mayOutlive: true });
    await until(() => readdirSync(folder).includes('done'));
  });

  test('also where this process is not root', async () => {
    const folder = await temporary();
    sh(
      'mkdir "$1/src"; cp -R src/machine src/*.ts "$1/src"; ln -s "$2" "$1/node_modules"',
      folder,
      resolve('node_modules'),
    );
    const program = `
      const { runProgram } = await import(process.argv[1]);
      const { status } = await runProgram(['sh', '-c', process.argv[2], process.argv[3]], { effect: 'write' });
      process.stdout.write(String(status));`;
    const argv = ['--input-type=module', '-e', program, join(folder, 'src/machine/run.ts'), left(''), folder];
    expect(execFileSync(process.execPath, argv, { ...user, encoding: 'utf8' })).toBe('3');
    await until(() => running(folder).length === 0);
  });
});

describe('on the leash', () => {
  test('status, output, errors, input and environment are as without', async () => {
    const script = 'cat; echo err >&2; env >&2; exit 7';
    const { status, stdout, stderr } = await runProgram(['sh', '-c', script], {
      ...WRITE,
      input: 'in',
      env: { HOME: '/nonexistent' },
    });
    expect([status, stdout.toString(), stderr.split('\n')[0]]).toEqual([7, 'in', 'err']);
    const names = stderr.match(/^\w+(?==)/gm) ?? [];
    expect(names.filter((name) => name !== 'PWD').sort()).toEqual(['HOME', 'LC_ALL', 'PATH']);
  });

  test.each([
    ['KILL', 137],
    ['TERM', 143],
    ['SEGV', 139],
  ])(
    'one that SIG%s ends has status %d, and the shell’s words for it are not its own',
    async (signal, status) => {
      const result = await runProgram(['sh', '-c', `kill -${signal} $$`], WRITE);
      expect([result.status, result.stderr]).toEqual([status, '']);
    },
  );

  test('one that is not there, or may not be run, has status 127', async () => {
    const folder = await temporary({ plain: 'no program' });
    for (const program of ['no-such-program-anywhere', join(folder, 'none'), join(folder, 'plain')]) {
      expect((await runProgram([program], WRITE)).status).toBe(127);
    }
  });

  test('an abort ends it and what it has started at once, with SIGTERM', async () => {
    const folder = await temporary();
    const controller = new AbortController();
    const run = runProgram(
      ['sh', '-c', 'trap "echo put back; exit 3" TERM; echo up; sleep 600 & wait', folder],
      {
        ...WRITE,
        signal: controller.signal,
        onLine: () => controller.abort(),
      },
    );
    const { status, stdout } = await run;
    expect([status, stdout.toString()]).toEqual([3, 'up\nput back\n']);
    await until(() => running(folder).length === 0);
  });

  test('another user’s program is that user’s', async () => {
    const user = { uid: 61234, gid: 61235 };
    const { stdout } = await runProgram(['sh', '-c', 'id -u; id -G'], { ...WRITE, user });
    expect(stdout.toString()).toBe('61234\n61235\n');
  });
});

test('the namespace also holds where this process is in one itself, with the older /proc', () => {
  const program = `
    const { leashFor } = await import(${JSON.stringify(resolve('src/machine/leash.ts'))});
    const { runProgram } = await import(${JSON.stringify(resolve('src/machine/run.ts'))});
    const { stdout, status } = await runProgram(['sh', '-c', 'echo "$$"'], { effect: 'write' });
    process.stdout.write(JSON.stringify([await leashFor(false, { PATH: process.env.PATH }), status, stdout.toString()]));`;
  const argv = ['--pid', '--fork', '--', process.execPath, '--input-type=module', '-e', program];
  const [leash, status, number] = JSON.parse(execFileSync('unshare', argv).toString());
  expect([leash, status]).toEqual(['namespace', 0]);
  // The second process of a namespace of its own.
  expect(Number(number)).toBe(2);
});
