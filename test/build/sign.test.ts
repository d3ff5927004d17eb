import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signModule } from '../../src/build/sign.ts';
import { appendedSignature } from '../../src/elf/signature.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { failureOf } from '../machine/temporary.ts';
import { moduleBytes } from './module-fixture.ts';

let folder = '';
let module = Buffer.alloc(0);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mptfix-sign-'));
  module = Buffer.from(await moduleBytes());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A key and its certificate; openssl's words choose the kind. */
function signer(...words: readonly string[]) {
  const at = mkdtempSync(join(folder, 'key-'));
  const [key, certificate] = [join(at, 'key.pem'), join(at, 'cert.pem')];
  const request = ['req', '-new', '-x509', '-days', '2', '-subj', '/CN=owner/'];
  execFileSync('openssl', [...request, ...words, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  return { key, certificate };
}

const RSA = ['-newkey', 'rsa:2048', '-nodes'] as const;
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-nodes'] as const;

function sign(
  keys: { key: string; certificate: string },
  kernel: Partial<Parameters<typeof signModule>[2]> = {},
) {
  const own = mkdtempSync(join(folder, 'own-'));
  const workspace = {
    machine: localTarget({ dryRun: false }),
    own: (...parts: string[]) => join(own, ...parts),
  };
  const config = 'CONFIG_MODULE_SIG_HASH="sha512"\n';
  return signModule(workspace, module, { shipped: module, version: '6.1.9', config, ...kernel }, keys);
}

describe('a signed module', () => {
  for (const [kind, words] of [
    ['RSA', RSA],
    ['elliptic curve', EC],
  ] as const) {
    test(`by an ${kind} key is the module itself, and a signature that openssl verifies`, async () => {
      const { bytes, proof } = await sign(signer(...words));
      expect(proof).toMatchObject({ ok: true, detail: expect.stringMatching(/^sha512, .*verified/) });
      const found = appendedSignature(bytes);
      expect(found).toMatchObject({ idType: 'PKCS#7', signer: 'owner', hash: 'sha512' });
      expect(bytes.subarray(0, found?.unsignedLength).equals(module)).toBe(true);
    });
  }

  test('takes a certificate in DER', async () => {
    const { key, certificate } = signer(...RSA);
    const der = `${certificate}.der`;
    execFileSync('openssl', ['x509', '-in', certificate, '-outform', 'DER', '-out', der]);
    expect((await sign({ key, certificate: der })).proof.ok).toBe(true);
  });

  test('is signed with the hash that .config names, and with SHA-256 where it names none', async () => {
    const keys = signer(...RSA);
    for (const hash of ['sha1', 'sha224', 'sha256', 'sha384', 'sha3-256']) {
      const { proof } = await sign(keys, { config: `CONFIG_MODULE_SIG_HASH="${hash}"\n` });
      expect(proof).toMatchObject({ ok: true, detail: expect.stringMatching(new RegExp(`^${hash},`)) });
    }
    expect((await sign(keys, { config: '' })).proof.detail).toMatch(/^sha256,/);
  });
});

describe('E_SIGN, with nothing signed:', () => {
  test('a key of another certificate', async () => {
    const [one, other] = [signer(...RSA), signer(...RSA)];
    expect((await failureOf(sign({ key: one.key, certificate: other.certificate }))).code).toBe('E_SIGN');
  });

  test('a key with a passphrase, for which openssl must not wait at a terminal', async () => {
    const keys = signer('-newkey', 'rsa:2048', '-passout', 'pass:secret');
    const { code, next } = await failureOf(sign(keys));
    expect([code, next]).toEqual(['E_SIGN', expect.stringContaining('passphrase')]);
  });

  test('no key, and no certificate', async () => {
    const keys = signer(...RSA);
    for (const wrong of [{ key: '/nowhere' }, { certificate: '/nowhere' }, { key: keys.certificate }])
      expect((await failureOf(sign({ ...keys, ...wrong }))).code).toBe('E_SIGN');
  });

  test('a kernel before 4.3, which takes another form', async () => {
    expect((await failureOf(sign(signer(...RSA), { version: '3.10.0' }))).what).toMatch(/before 4\.3/);
  });

  test('a guest’s module that was signed in another form', async () => {
    const { bytes } = await sign(signer(...RSA));
    const old = Buffer.from(bytes);
    old[old.length - '~Module signature appended~\n'.length - 12 + 2] = 1;
    const { code, what } = await failureOf(sign(signer(...RSA), { shipped: old }));
    expect([code, what]).toEqual(['E_SIGN', expect.stringContaining('X509')]);
  });

  test('a .config with a hash that is none, or an option', async () => {
    for (const hash of ['md5', '-engine', 'sha256 -engine x', ''])
      expect(
        (await failureOf(sign(signer(...EC), { config: `CONFIG_MODULE_SIG_HASH="${hash}"\n` }))).code,
      ).toBe('E_SIGN');
  });
});
