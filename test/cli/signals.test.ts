import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BIN, mptfix } from '../helpers/cli.ts';
import { requireDocuments } from '../helpers/documents.ts';
import { hungFolder } from '../helpers/hung-folder.ts';
import { RUNS_TYPESCRIPT, sh, temporary, until } from '../machine/temporary.ts';

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const NUMBERS: Readonly<Record<string, number>> = { SIGTERM: 15, SIGINT: 2, SIGHUP: 1 };

/**
 * Starts it, waits until it waits for what never comes, and sends the signal. Without the signal it would not end before
 * the test's own time is over.
 */
async function stopped(
  args: readonly string[],
  signal: NodeJS.Signals = 'SIGTERM',
  when: (pid: number) => boolean | Promise<boolean> = waits,
): Promise<Ended> {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [out, err] = [text(child.stdout), text(child.stderr)];
  const end = once(child, 'close');
  await until(async () => child.exitCode !== null || (await when(child.pid ?? 0)));
  expect([args, child.exitCode]).toEqual([args, null]);
  child.kill(signal);
  const [code, by] = (await end) as [number | null, string | null];
  return {
    status: code ?? 128 + (NUMBERS[by ?? ''] ?? 100),
    stdout: await out,
    stderr: await err,
  };
}

/** One of its threads is in a call that has no end: of the file system that hangs. */
function waits(pid: number): boolean {
  return /fuse/.test(sh('cat /proc/"$1"/task/*/wchan 2>/dev/null || true', String(pid)));
}

/** Nothing shows that it waits for its standard input; but by then it takes care of SIGHUP, which Node by itself does not. */
function started(pid: number): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(sh('cat /proc/"$1"/status', String(pid)))?.[1] ?? '0';
  return (BigInt(`0x${caught}`) & 1n) === 1n;
}

function expectEnded({ status, stdout, stderr }: Ended, expected: number): void {
  expect(status).toBe(expected);
  expect(stderr).toContain('E_INTERRUPTED');
  requireDocuments(stdout);
  expect(JSON.parse(stdout).error.code).toBe('E_INTERRUPTED');
}

describe('a signal ends a command within two seconds although it waits for a file system that hangs:', () => {
  test.each([
    'check --root',
    'plan --root',
    'apply --yes --root',
    'apply --dry-run --root',
    'build --output /nonexistent --root',
    'status --root',
    'rollback --yes --root',
    'recover --root',
    'harden --root',
    'harden --apply --yes --root',
    'diagnose --root',
    'watch follow --root',
    'watch install --to root --yes --root',
    'watch uninstall --yes --root',
    'watch test-mail --to root --root',
    'check --module',
    'check --source',
    'diagnose --verbose',
  ])('%s', async (line) => {
    const [last = '', ...words] = line.split(' ').toReversed();
    expectEnded(await stopped([...words.toReversed(), '--json', last, await hungFolder()]), 143);
  });

  test.each(['SIGINT', 'SIGHUP'] as const)('by %s, too', async (signal) => {
    expectEnded(
      await stopped(['check', '--json', '--root', await hungFolder()], signal),
      128 + (NUMBERS[signal] ?? 0),
    );
  });

  test('watch once, which has nothing to put back, at once', async () => {
    const { status } = await stopped(['watch', 'once', '--root', await hungFolder()], 'SIGTERM');
    expect(status).toBe(143);
  });
});

describe('and whatever else it reads:', () => {
  test('standard input that nobody ends', async () => {
    expectEnded(await stopped(['diagnose', '--json', '-'], 'SIGTERM', started), 143);
  });

  test.each([
    ['check', '--source'],
    ['check', '--module'],
    ['diagnose', '--verbose'],
  ])(
    '%s %s of a FIFO that nobody writes to, or of a device that never ends: refused at once',
    async (...words) => {
      const folder = await temporary();
      sh('mkfifo "$1/fifo"', folder);
      for (const path of [join(folder, 'fifo'), '/dev/zero']) {
        const { status } = await mptfix([...words, path]);
        expect(status).toBe(3);
      }
    },
  );
});

test('what must not be left half done is finished first, and the signal is told why', async () => {
  const script = `
    import { watchSignals } from ${JSON.stringify(resolve('src/cli/signals.ts'))};
    import { uninterrupted } from ${JSON.stringify(resolve('src/interruption.ts'))};
    watchSignals(() => process.stdout.write('given up'));
    await uninterrupted('the undo is finished first', async () => {
      process.stdout.write('begun ');
      await new Promise((resolve) => setTimeout(resolve, 4000));
      process.stdout.write('finished ');
    });
    await new Promise((resolve) => setTimeout(resolve, 60_000));`;
  const child = spawn(process.execPath, [...RUNS_TYPESCRIPT, '-e', script]);
  const [out, err] = [text(child.stdout), text(child.stderr)];
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  const [, by] = await once(child, 'close');
  expect([await out, await err, by]).toEqual([
    'begun finished given up',
    'SIGTERM: the undo is finished first\n',
    'SIGTERM',
  ]);
});

test('a program that ignores SIGTERM holds nobody up, and is not left behind', async () => {
  const script = `
    import { watchSignals } from ${JSON.stringify(resolve('src/cli/signals.ts'))};
    import { runProgram } from ${JSON.stringify(resolve('src/machine/run.ts'))};
    watchSignals();
    const argv = ['sh', '-c', 'trap "" TERM; echo $$; while :; do sleep 1; done'];
    await runProgram(argv, { effect: 'read', onLine: (line) => process.stdout.write(line) });`;
  const child = spawn(process.execPath, [...RUNS_TYPESCRIPT, '-e', script]);
  const [first] = await once(child.stdout, 'data');
  const pid = Number(String(first));
  child.kill('SIGTERM');
  const [, by] = await once(child, 'close');
  expect(by).toBe('SIGTERM');
  await until(() => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  });
});
