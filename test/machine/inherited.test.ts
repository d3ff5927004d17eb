import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { temporary } from './temporary.ts';

/** What a program sees open that is run by a Node which was started with descriptors of its caller's. */
async function seenOpen(options: object): Promise<string> {
  const folder = await temporary({ secret: 'seen' });
  const program = `
    const { runProgram } = await import(${JSON.stringify(resolve('src/machine/run.ts'))});
    const script = 'for n in /proc/self/fd/*; do case $(readlink $n) in ' + process.argv[1] + '*) echo $n;; esac; done; cat';
    const { stdout } = await runProgram(['sh', '-c', script], { input: 'in', ...${JSON.stringify(options)} });
    process.stdout.write(stdout);`;
  const argv = [process.execPath, '--input-type=module', '-e', program, folder] as const;
  const [node, ...words] = argv;
  // Node itself closes only the first ones; and dash has no such numbers.
  const script = 'exec 9< "$1/secret" 200< "$1"; shift; exec "$@"';
  return execFileSync('bash', ['-c', script, 'bash', folder, node, ...words]).toString();
}

test.each([
  ['a program that reads', { effect: 'read' }],
  ['one that writes', { effect: 'write' }],
  ['one in a sandbox', { effect: 'write', sandbox: { readOnly: [], writable: [] } }],
])('no descriptor of the caller’s reaches %s', async (_, options) => {
  expect(await seenOpen(options)).toBe('in');
});
