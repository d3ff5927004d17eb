import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '../../../src/hash.ts';
import { makeKey, SIGNER } from '../../bundle/signed-bundle.ts';
import { buildableGuest, HEADERS, MODULE, RELEASE } from '../../helpers/buildable-guest.ts';
import { json, mptfix } from '../../helpers/cli.ts';
import { copyBundle } from '../../helpers/many-runs.ts';
import { temporary } from '../../machine/temporary.ts';

const NAME = `mptfix-mptscsih-${RELEASE}-x86_64.run`;

test('build signs, verify believes it; another guest’s folder gives the same bundle, and no old signature stays', {
  timeout: 240_000,
}, async () => {
  const folder = await temporary();
  const at = (...names: readonly string[]): string => join(folder, ...names);
  buildableGuest(at('guest'), at('source'));
  mkdirSync(at('cache'));
  const key = makeKey(at('key'));
  const signers = at('signers');
  writeFileSync(signers, `${SIGNER} ${readFileSync(`${key}.pub`, 'utf8')}`);
  const build = (guest: string, source: string, output: string, ...more: readonly string[]) =>
    mptfix(
      ['build', '--root', at(guest), '--source', at(source), '--offline', '--json']
        .concat(['--output', at(output)])
        .concat(more),
      { env: { XDG_CACHE_HOME: at('cache') } },
    );
  const first = await build('guest', 'source', 'out', '--sign-bundle', key);
  expect(first.status, first.stderr + first.stdout).toBe(0);
  const bundle = at('out', NAME);
  expect(json(first).bundle).toEqual({
    file: bundle,
    sha256: sha256(readFileSync(bundle)),
    statement: `${bundle}.intoto.json`,
    signature: { file: `${bundle}.sig`, namespace: 'bundle@mptfix' },
  });
  const statement = JSON.parse(readFileSync(`${bundle}.intoto.json`, 'utf8'));
  expect(statement).toEqual(json(first).statement);
  expect(statement.subject).toEqual([
    { name: 'mptscsih.ko', digest: { sha256: json(first).module.sha256 } },
    { name: NAME, digest: { sha256: sha256(readFileSync(bundle)) } },
  ]);
  const verified = await mptfix(['verify', bundle, '--signers', signers, '--json']);
  expect([verified.status, json(verified).result, json(verified).installer]).toEqual([0, 'verified', 'same']);
  for (const name of ['guest', 'source'])
    cpSync(at(name), at('elsewhere', `my-${name}`), { recursive: true });
  // Over the first one's folder: the same bytes keep their signature, other bytes do not.
  const bytes = readFileSync(bundle);
  expect((await build('elsewhere/my-guest', 'elsewhere/my-source', 'out')).status).toBe(0);
  expect(readFileSync(bundle).equals(bytes)).toBe(true);
  expect(existsSync(`${bundle}.sig`)).toBe(true);
  writeFileSync(bundle, 'of an earlier build');
  expect((await build('guest', 'source', 'out')).status).toBe(0);
  expect(readFileSync(bundle).equals(bytes)).toBe(true);
  expect(existsSync(`${bundle}.sig`)).toBe(false);
});

test('a key that cannot sign is refused before anything is built, and nothing is left', async () => {
  const folder = await temporary();
  const at = (...names: readonly string[]): string => join(folder, ...names);
  buildableGuest(at('guest'), at('source'));
  execFileSync('mkfifo', [at('fifo')]);
  makeKey(at('secret'), 'secret words');
  writeFileSync(at('no-key'), 'no key\n');
  const before = readdirSync(folder).toSorted();
  for (const key of ['nowhere', 'fifo', 'secret', 'no-key', 'guest']) {
    // The build itself would find that there is no such source.
    const run = await mptfix([
      ...['build', '--root', at('guest'), '--source', at('no-source'), '--offline', '--no-cache', '--json'],
      ...['--output', at('out'), '--sign-bundle', at(key)],
    ]);
    expect([key, run.status, json(run).error.code]).toEqual([key, 3, 'E_SIGN_KEY']);
  }
  expect(readdirSync(folder).toSorted()).toEqual(before);
});

test('from files alone, whatever their names, and from a copy of mptfix: the place is the kernel’s own', async () => {
  const folder = await temporary();
  const at = (...names: readonly string[]): string => join(folder, ...names);
  buildableGuest(at('guest'), at('source'));
  copyFileSync(at('guest', MODULE), at('as shipped.ko'));
  const run = await mptfix(
    [
      ...['build', '--module', at('as shipped.ko'), '--kernel', RELEASE, '--no-cache', '--json'],
      ...['--source', at('source'), '--headers', at('guest', HEADERS), '--output', at('out')],
    ],
    { bin: join(copyBundle(at('mptfix')), 'bin/mptfix.cjs') },
  );
  expect(run.status, run.stdout).toBe(0);
  expect(json(run).statement.predicate.buildDefinition.externalParameters.module).toEqual({
    name: 'mptscsih',
    path: `/${MODULE}`,
  });
  const verified = await mptfix(['verify', at('out', NAME), '--json']);
  expect([verified.status, json(verified).result]).toEqual([11, 'unsigned']);
});
