import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

/** Runs steps in a process of their own, off a terminal, and answers what it wrote where. */
function steps(body: string, verbose = false) {
  const script = `
import { runSteps } from ${JSON.stringify(resolve('src/ui/steps.ts'))};
const view = { json: true, verbose: ${verbose} };
try {
  await runSteps([${body}], view);
  process.exitCode = 0;
} catch (error) {
  process.stderr.write('caught: ' + error.message);
  process.exitCode = 9;
}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const GOOD = `{ title: 'First', run: async () => 'three files' },
  { title: 'Second', run: async (progress) => { progress.note('a note'); progress.bytes(1, 2); return undefined; } }`;

test('off a terminal the steps are plain lines on stderr, with their results, and stdout stays empty', () => {
  const { status, stdout, stderr } = steps(GOOD);
  expect([status, stdout]).toEqual([0, '']);
  expect(stderr).toContain('First: three files');
  expect(stderr.indexOf('First')).toBeLessThan(stderr.indexOf('Second'));
  expect(stderr).not.toContain('\u001B[');
  expect(stderr).not.toContain('a note');
});

test('verbose also tells the notes, and still not on stdout', () => {
  const { stdout, stderr } = steps(GOOD, true);
  expect([stdout, stderr.includes('a note')]).toEqual(['', true]);
});

test('the first step that fails ends the run with its own error, and no later one is begun', () => {
  const { status, stdout, stderr } = steps(`
    { title: 'Bad', run: async () => { throw new Error('it broke'); } },
    { title: 'Never', run: async () => { process.stdout.write('begun'); } }`);
  expect([status, stdout]).toEqual([9, '']);
  expect(stderr).toContain('caught: it broke');
});

test('a long step tells now and then how far it is', () => {
  // The clock is turned on between two reports: nobody waits for the interval.
  const { stdout, stderr } = steps(`
    { title: 'Long', run: async (progress) => {
      const now = Date.now();
      Date.now = () => now + 6000;
      progress.bytes(512 * 1024, 1024 * 1024);
      progress.bytes(900 * 1024, 1024 * 1024);
      return undefined;
    } }`);
  expect([stdout, stderr.includes('512 KiB of 1.0 MiB (50 %)'), stderr.includes('900 KiB')]).toEqual([
    '',
    true,
    false,
  ]);
});

test('neither a title, a result, a note nor a failure takes hold of the terminal', () => {
  const hostile = String.raw`'\u001b]0;pwned\u0007\n\u009bFORGED'`;
  const { stdout, stderr } = steps(
    `
    { title: 'First ' + ${hostile}, run: async (progress) => { progress.note(${hostile}); return ${hostile}; } },
    { title: 'Bad', run: async () => { throw new Error('it broke ' + ${hostile}); } }`,
    true,
  );
  const [shown = '', caught = ''] = stderr.split('caught: ');
  expect(stdout + shown).not.toMatch(/(?!\n)\p{Cc}/u);
  expect(shown).toContain('it broke \\x1b]0;pwned\\x07\\x0a\\x9bFORGED');
  // The error itself is the step's own.
  expect(caught).toContain('it broke \u001b]0;pwned');
});
