import { describe, expect, test } from 'vitest';
import { signedAs } from '../../../src/kernel-source/rpm/signature.ts';

/** What rpmkeys prints for a package, below its name. */
const said = (...lines: readonly string[]): string =>
  ['a.rpm:', ...lines.map((line) => `    ${line}`)].join('\n');
const DIGESTS = ['Header SHA1 digest: OK', 'MD5 digest: OK'];

describe('what rpmkeys says of a package', () => {
  test('with a signature of today, or of 2005, by a known key is good', () => {
    const today = said('Header V4 RSA/SHA512 Signature, key ID 17490a8f: OK', ...DIGESTS);
    expect(signedAs(0, today)).toEqual({ kind: 'good', key: '17490a8f' });
    const old = said(
      'Header V3 DSA/SHA1 Signature, key ID 37017186: OK',
      'V3 DSA/SHA1 Signature, key ID 37017186: OK',
      ...DIGESTS,
    );
    expect(signedAs(0, old)).toEqual({ kind: 'good', key: '37017186' });
  });

  test('with one by a known key, where rpm is not content, is not', () => {
    const text = said('Header V4 RSA/SHA512 Signature, key ID 17490a8f: OK', ...DIGESTS);
    expect(signedAs(1, text).kind).toBe('unknown');
  });

  test.each(['NOKEY', 'NOTTRUSTED'])('with one of a key that is %s is not known', (word) => {
    const text = said(`Header V4 RSA/SHA512 Signature, key ID 17490a8f: ${word}`, ...DIGESTS);
    expect(signedAs(1, text)).toMatchObject({ kind: 'unknown', why: expect.stringContaining(word) });
  });

  test('without one is not signed', () => {
    const text = said('Header RSA signature: NOTFOUND', 'DSA signature: NOTFOUND', ...DIGESTS);
    expect(signedAs(1, text)).toEqual({ kind: 'unknown', why: 'it is not signed' });
  });

  test.each([
    'Header V4 RSA/SHA512 Signature, key ID 17490a8f: BAD',
    'Payload SHA256 digest: BAD (Expected 00 != 01)',
    'Header SHA1 digest: INVALID',
  ])('with %s is bad, whatever else is good', (line) => {
    const text = said('V4 RSA/SHA512 Signature, key ID 17490a8f: OK', line, 'MD5 digest: OK');
    expect(signedAs(0, text)).toEqual({ kind: 'bad', why: line });
  });

  test('with no checksum that holds is bad: it may be no RPM at all', () => {
    expect(signedAs(1, 'error: a.rpm: not an rpm package (or package manifest)')).toMatchObject({
      kind: 'bad',
    });
    expect(signedAs(0, '')).toMatchObject({ kind: 'bad' });
  });
});
