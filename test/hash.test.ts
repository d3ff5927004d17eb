import { expect, it } from 'vitest';
import { sha256 } from '../src/hash.ts';

// Source: FIPS 180-4, the examples of NIST.
it.each([
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
])('hashes %j', (text, hash) => {
  expect(sha256(text)).toBe(hash);
  expect(sha256(Buffer.from(text))).toBe(hash);
});
