import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { range } from '../helpers/attack.ts';

const { victim, tree, build } = range();

test('a signature is not made by a program of the headers', async () => {
  const key = join(victim().folder, 'key.pem');
  const certificate = join(victim().folder, 'certificate.pem');
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=test', '-days', '2'];
  execFileSync('openssl', [...request, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  const { run, harm, module } = await build(tree('headers-sign-file'), [
    ...['--sign-key', key, '--sign-cert', certificate],
  ]);
  expect([run.status, harm]).toEqual([0, []]);
  expect(readFileSync(module).toString('latin1')).toMatch(/~Module signature appended~\n$/);
});
