import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { type Limits, openSession, type Session } from '../../../src/machine/ssh/session.ts';

/** A session with a program in the place of ssh. */
function sessionWith(line: string): Session {
  const child = spawn('sh', ['-c', line], { stdio: ['pipe', 'pipe', 'pipe'] });
  return openSession(child, {
    notReached: (why) => new Error(`not reached: ${why}`),
    lost: (why) => new Error(`lost: ${why}`),
  });
}

const short: Limits = { bytes: 1000, timeoutMs: 300, about: '/etc/x' };
const long: Limits = { bytes: 1000, timeoutMs: 60_000 };

test('one that never speaks is not reached, and one that stops speaking is lost, with what was asked for', async () => {
  const silent = sessionWith('exec sleep 600');
  await expect(silent.ask('echo a', short)).rejects.toThrow('not reached: nothing came for 0.3 s of /etc/x');
  await expect(silent.ask('echo a', long)).rejects.toThrow('not reached');
  const hangs = sessionWith('exec sh');
  expect((await hangs.ask('echo a', long)).stdout.toString()).toBe('a\n');
  await expect(hangs.ask('echo part; exec sleep 600', short)).rejects.toThrow(
    'lost: nothing came for 0.3 s of /etc/x',
  );
});

test('a greeting on both outputs is no part of an answer, and the last words of who goes are told', async () => {
  const noisy = sessionWith(
    'echo "@0123:1:b"; echo hello >&2; head -c 300000 /dev/zero; echo; echo "@ffff:1:e 0"; exec sh',
  );
  const answers = await Promise.all([noisy.ask('echo a; exit 3', long), noisy.ask('echo b >&2', long)]);
  expect(answers).toMatchObject([
    { status: 3, stdout: Buffer.from('a\n'), stderr: '' },
    { status: 0, stdout: Buffer.alloc(0), stderr: 'b\n' },
  ]);
  const gone = sessionWith('echo Permission denied, please go away. >&2');
  await expect(gone.ask('echo a', long)).rejects.toThrow('not reached: Permission denied, please go away.');
});

test('what is asked at once is one trip, and what waits for an answer is another', async () => {
  const session = sessionWith('exec sh');
  await Promise.all(['a', 'b', 'c'].map((word) => session.ask(`echo ${word}`, long)));
  expect(session.trips()).toBe(1);
  await session.ask('echo d', long);
  expect(session.trips()).toBe(2);
  session.end();
});
