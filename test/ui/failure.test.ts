import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

function said(call: string) {
  const script = `
import { sayFailure } from ${JSON.stringify(resolve('src/ui/failure.ts'))};
import { askYes, canAsk } from ${JSON.stringify(resolve('src/ui/prompt.ts'))};
${call}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    input: 'YES\n',
  });
  return { stdout, stderr };
}

const FAILURE = `{ code: 'E_BUILD', what: 'it could not be built', next: 'read the log', log: '/x/build.log' }`;

test('a failure is what, what next and where the log is, on stderr', () => {
  expect(said(`sayFailure(${FAILURE}, false, undefined);`)).toEqual({
    stdout: '',
    stderr: 'mptfix: E_BUILD: it could not be built\n  next: read the log\n  log:  /x/build.log\n',
  });
});

test('with --json it is also the one document on stdout', () => {
  const { stdout, stderr } = said(`sayFailure(${FAILURE}, true, undefined);`);
  expect(JSON.parse(stdout)).toEqual({
    schema: 'mptfix.error/1',
    error: { code: 'E_BUILD', what: 'it could not be built', next: 'read the log', log: '/x/build.log' },
  });
  expect(stderr).toContain('E_BUILD');
});

test('what a tool said in several lines is one line, here as there', () => {
  const { stdout, stderr } = said(
    `sayFailure({ code: 'E_BUILD', what: 'make said:\\n  a\\r\\nb\\n', next: 'c' }, true, undefined);`,
  );
  expect([stderr, JSON.parse(stdout).error.what]).toEqual([
    'mptfix: E_BUILD: make said: a b\n  next: c\n',
    'make said: a b',
  ]);
});

test('the stack is told only where it is asked for', () => {
  const { stderr } = said(`sayFailure(${FAILURE}, false, new Error('the cause'));`);
  expect(stderr).toMatch(/Error: the cause\n\s+at /);
});

test('nobody is asked off a terminal; an answer is read from stdin, and the question is on stderr', () => {
  const { stdout, stderr } = said(
    `const able = canAsk(); const yes = await askYes('Go on?'); process.stdout.write(able + ' ' + yes);`,
  );
  expect([stdout, stderr]).toEqual(['false true', 'Go on? [y/N] ']);
});
