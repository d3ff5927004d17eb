import { readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { runProgram } from '../../src/machine/run.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { temporary, until } from './temporary.ts';

const READ = { effect: 'read' } as const;

/** Whether a process still runs; one that has ended and waits to be collected does not. */
function runs(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

test('arguments reach the program as they are: no shell reads them', async () => {
  const args = ['$(id)', '; echo x', 'a b', '*', '', '"', "'", '`id`', '\\', '|', '$HOME', 'ü\n'];
  const { status, stdout } = await runProgram(['printf', '%s\\0', ...args], READ);
  expect([status, stdout.toString().split('\0').slice(0, -1)]).toEqual([0, args]);
});

describe('the environment', () => {
  afterEach(() => {
    delete process.env.MPTFIX_LEAK;
  });

  test('is PATH, LC_ALL and what is given, and nothing of the caller’s', async () => {
    process.env.MPTFIX_LEAK = 'secret';
    const { stdout } = await runProgram(['env'], { ...READ, env: { HOME: '/nonexistent' } });
    const names = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    expect(names.sort()).toEqual(['HOME', 'LC_ALL', 'PATH']);
    expect(stdout.toString()).toContain('LC_ALL=C\n');
    expect(stdout.toString()).toMatch(/^PATH=.*\/usr\/sbin/m);
  });
});

describe('the status', () => {
  test('is the program’s own', async () => {
    const { status, stdout, stderr } = await runProgram(['sh', '-c', 'echo out; echo err >&2; exit 7'], READ);
    expect([status, stdout.toString(), stderr]).toEqual([7, 'out\n', 'err\n']);
  });

  test('is 127 for a program that is not there, or that may not be run', async () => {
    const folder = await temporary({ plain: 'no program' });
    const missing = await runProgram(['no-such-program-anywhere'], READ);
    expect([missing.status, missing.stderr]).toEqual([127, expect.stringContaining('ENOENT')]);
    expect((await runProgram([join(folder, 'plain')], READ)).status).toBe(127);
  });

  test.each([
    ['KILL', 137],
    ['TERM', 143],
    ['SEGV', 139],
  ])('is 128+n for SIG%s', async (signal, status) => {
    expect((await runProgram(['sh', '-c', `kill -${signal} $$`], READ)).status).toBe(status);
  });

  test('is not 0 for one that took too long', async () => {
    const { status } = await runProgram(['sleep', '3600'], { ...READ, timeoutMs: 100 });
    expect(status).toBe(143);
  });
});

test('an abort ends the program and what it has started', async () => {
  const controller = new AbortController();
  const pids: number[] = [];
  const script = 'sh -c "echo \\$\\$; sleep 60 & echo \\$!; wait" & echo $!; wait';
  const { status } = await runProgram(['sh', '-c', script], {
    ...READ,
    signal: controller.signal,
    onLine: (line) => {
      pids.push(Number(line));
      if (pids.length === 3) controller.abort();
    },
  });
  expect(status).toBeGreaterThan(128);
  expect(pids).toHaveLength(3);
  await until(() => !pids.some(runs));
});

describe('onChunk', () => {
  test('that has seen enough ends an endless program, which counts as done', async () => {
    let seen = 0;
    const { status, stdout } = await runProgram(['yes'], {
      ...READ,
      onChunk: (chunk) => {
        seen += chunk.length;
        return seen < 100_000;
      },
    });
    expect([status, stdout.length, seen >= 100_000]).toEqual([0, 0, true]);
  });

  test('gets all of the output, and the status is the program’s where it never had enough', async () => {
    const parts: Buffer[] = [];
    const { status } = await runProgram(['sh', '-c', 'head -c 3000000 /dev/zero; exit 5'], {
      ...READ,
      onChunk: async (chunk) => parts.push(chunk) > 0,
    });
    expect([status, Buffer.concat(parts).length]).toEqual([5, 3_000_000]);
  });

  test('that throws ends the program and is the caller’s error', async () => {
    const run = runProgram(['yes'], {
      ...READ,
      onChunk: () => {
        throw new Error('damaged');
      },
    });
    await expect(run).rejects.toThrow('damaged');
  });
});

describe('standard input', () => {
  test('is empty, or the bytes that are given', async () => {
    expect((await runProgram(['cat'], READ)).stdout.length).toBe(0);
    const input = Buffer.from([0, 1, 254, 255]);
    expect((await runProgram(['cat'], { ...READ, input })).stdout).toEqual(input);
    expect((await runProgram(['cat'], { ...READ, input: 'text' })).stdout.toString()).toBe('text');
  });

  test('is a file of the guest, also one that only this process may read', async () => {
    const root = await temporary({ 'etc/secret': 'only root', name: { link: '/etc/secret' } });
    await chmod(join(root, 'etc/secret'), 0o600);
    const target = rootTarget(root, { dryRun: true });
    const user = { uid: 61234, gid: 61234 };
    const { stdout } = await target.run(['cat'], { ...READ, stdinFile: '/name', user });
    expect(stdout.toString()).toBe('only root');
    const direct = await target.run(['cat', join(root, 'etc/secret')], { ...READ, user });
    expect([direct.status, direct.stderr]).toEqual([1, expect.stringContaining('Permission denied')]);
  });
});

test('a given user has these ids and no other group', async () => {
  const { stdout } = await runProgram(['sh', '-c', 'id -u; id -g; id -G'], {
    ...READ,
    user: { uid: 61234, gid: 61235 },
  });
  expect(stdout.toString().trim().split('\n')).toEqual(['61234', '61235', '61235']);
});

test('onLine gets each line of both outputs; a progress bar’s carriage return ends one too', async () => {
  const lines: string[] = [];
  const script = 'printf "one\\ntw"; sleep 0.1; printf "o\\n10%%\\r20%%\\r30%%\\n"; echo err >&2';
  await runProgram(['sh', '-c', script], { ...READ, onLine: (line) => lines.push(line) });
  expect(lines.filter((line) => line !== 'err')).toEqual(['one', 'two', '10%', '20%', '30%']);
  expect(lines).toContain('err');
});

test('the program starts in the folder that is given', async () => {
  const cwd = await temporary();
  expect((await runProgram(['pwd', '-P'], { ...READ, cwd })).stdout.toString()).toBe(`${cwd}\n`);
});

describe('lines of output', () => {
  async function linesOf(script: string): Promise<string[]> {
    const lines: string[] = [];
    await runProgram(['sh', '-c', script], { ...READ, onLine: (line) => lines.push(line) });
    return lines;
  }

  test('include a last one without a line feed', async () => {
    expect(await linesOf('printf "one\\ntwo"')).toEqual(['one', 'two']);
    expect(await linesOf('printf "50 %%\\r100 %%\\r"')).toEqual(['50 %', '100 %']);
  });

  test('are whole also where a chunk ends within a character, or within CRLF', async () => {
    expect(
      await linesOf("printf 'gr\\303'; sleep 0.2; printf '\\274n\\r'; sleep 0.2; printf '\\nblau\\n'"),
    ).toEqual(['grün', 'blau']);
  });
});

describe('standard input that comes in pieces', () => {
  test('stays open until the last has come, and ends also where they fail', async () => {
    const coming = Promise.withResolvers<void>();
    let hasCome = false;
    async function* pieces() {
      yield 'one\n';
      await coming.promise;
      yield 'never\n';
    }
    const run = runProgram(['cat'], { ...READ, inputComes: pieces() });
    setTimeout(() => {
      hasCome = true;
      coming.reject(new Error('also when it failed'));
    }, 300);
    const { status, stdout } = await run;
    expect([status, stdout.toString(), hasCome]).toEqual([0, 'one\n', true]);
  });

  test('waits for a program that is slow to read, and is no error for one that reads no more', async () => {
    async function* many() {
      for (let at = 0; at < 50; at += 1) yield 'x'.repeat(65_536);
    }
    const slow = await runProgram(['sh', '-c', 'sleep 0.3; wc -c'], { ...READ, inputComes: many() });
    expect(slow.stdout.toString().trim()).toBe(String(50 * 65_536));
    const deaf = await runProgram(['sh', '-c', 'exec <&-; sleep 0.3; exit 7'], {
      ...READ,
      inputComes: many(),
    });
    expect(deaf.status).toBe(7);
  });
});
