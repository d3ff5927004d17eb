import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/hash.ts';
import { CONTENT, SIGNER, signedBundle } from '../../bundle/signed-bundle.ts';
import { json, mptfix } from '../../helpers/cli.ts';
import { listing } from '../../helpers/listing.ts';
import { temporary } from '../../machine/temporary.ts';

test('a signed bundle: who has signed it, what it holds; nothing is written and nothing of it runs', async () => {
  const folder = await temporary();
  const { bundle, signers, signature } = await signedBundle(folder);
  const before = listing(folder);
  const run = await mptfix(['verify', bundle, '--signers', signers, '--json']);
  expect(run.status, run.stderr).toBe(0);
  expect(json(run)).toMatchObject({
    result: 'verified',
    bundle: { file: bundle, sha256: sha256(readFileSync(bundle)) },
    kernel: CONTENT.kernel,
    module: { name: 'mptscsih', sha256: sha256('module'), replaces: { path: CONTENT.module.path } },
    installer: 'same',
    signature: { file: signature, namespace: 'bundle@mptfix', identity: SIGNER },
  });
  const page = await mptfix(['verify', bundle, '--signers', signers, '--identity', SIGNER]);
  expect([page.status, page.stdout]).toEqual([0, expect.stringContaining(`signed by ${SIGNER}`)]);
  expect(listing(folder)).toEqual(before);
});

test('where nobody vouches it cannot tell, and says so', async () => {
  const { bundle, signature, signers } = await signedBundle(await temporary());
  const unvouched = await mptfix(['verify', bundle, '--json']);
  expect([unvouched.status, json(unvouched).result]).toEqual([11, 'unvouched']);
  expect(json(unvouched).signature).toMatchObject({ identity: null, key: expect.stringMatching(/SHA256:/) });
  const page = await mptfix(['verify', bundle]);
  expect([page.status, page.stdout]).toEqual([11, expect.stringContaining('nobody vouches')]);
  rmSync(signature);
  const unsigned = await mptfix(['verify', bundle, '--json']);
  expect([unsigned.status, json(unsigned).result, json(unsigned).signature]).toEqual([11, 'unsigned', null]);
  // Whoever takes the signature away must not make an error of it something less.
  const missing = await mptfix(['verify', bundle, '--signers', signers, '--json']);
  expect([missing.status, json(missing).error.code]).toEqual([4, 'E_SIGNATURE']);
});

describe('what has the place of a file is looked at before it is read:', () => {
  const places: readonly (readonly [string, (path: string) => void])[] = [
    ['a FIFO that nobody writes to', (path) => execFileSync('mkfifo', [path])],
    ['a folder', (path) => mkdirSync(path)],
    ['a device', (path) => execFileSync('ln', ['-s', '/dev/zero', path])],
    ['a file of 1 TB', (path) => execFileSync('truncate', ['-s', '1T', path])],
    ['an empty file', (path) => writeFileSync(path, '')],
    ['a link in a circle', (path) => execFileSync('ln', ['-s', path, path])],
  ];
  test.each(places)('%s', async (_, make) => {
    const folder = await temporary();
    const { bundle } = await signedBundle(folder);
    const place = join(folder, 'place');
    make(place);
    const ended = async (...words: readonly string[]): Promise<readonly [number, string]> => {
      const run = await mptfix(['verify', ...words, '--json']);
      return [run.status, json(run).error.code];
    };
    expect(await ended(place)).toEqual([4, 'E_BUNDLE']);
    const [asSignature] = await ended(bundle, '--signature', place);
    const [asSigners] = await ended(bundle, '--signers', place);
    expect([asSignature, asSigners].every((status) => status === 3 || status === 4)).toBe(true);
  });
});

test('a signature or signers that are not there are told', async () => {
  const folder = await temporary();
  const { bundle } = await signedBundle(folder);
  for (const option of ['--signers', '--signature']) {
    const run = await mptfix(['verify', bundle, option, join(folder, 'nowhere'), '--json']);
    expect([option, run.status, json(run).error.code]).toEqual([option, 3, 'E_FILE']);
  }
});

test('one of the signers is named by --identity only where they are given', async () => {
  const run = await mptfix(['verify', 'bundle.run', '--identity', 'me', '--json']);
  expect([run.status, json(run).error.code]).toEqual([2, 'E_USAGE']);
});

test('another version’s installer is told, and is no error', async () => {
  const folder = await temporary();
  const { bundle } = await signedBundle(folder);
  const { packBundle } = await import('../../../src/bundle/pack.ts');
  const { readInstaller } = await import('../../../src/bundle/installer.ts');
  const installer = (await readInstaller()).replace('\nmain "$@"', '\n# of another version\nmain "$@"');
  writeFileSync(bundle, packBundle(CONTENT, installer));
  rmSync(`${bundle}.sig`);
  const run = await mptfix(['verify', bundle, '--json']);
  expect([run.status, json(run).installer]).toEqual([11, 'other']);
});
