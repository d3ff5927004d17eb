import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFailure } from '../../../src/errors.ts';
import { hostAddress } from '../../../src/machine/ssh/address.ts';

test.each([
  'db1',
  'root@db1.example.org',
  'root@10.0.0.1',
  '::1',
  'root@[fe80::1%eth0]',
  'ad.user@corp@db_1',
  'x-y',
])('%s is a host', (host) => {
  expect(hostAddress(host).host).toBe(host);
});

test.each([
  '-oProxyCommand=id',
  '-x@db1',
  'root@-x',
  '',
  '@',
  'root@',
  'a b',
  'a\tb',
  'a\nb',
  'a\0b',
  'a;id',
  'a`id`',
  '$(id)',
  "a'b",
  'a"b',
  'a|b',
  'a&b',
  'a>b',
  'a/b',
  'a\\b',
  'dom\\user@db1',
  '$(id)@db1',
  'ssh://db1',
  'dbé',
])('%j is none, and reaches no ssh', (host) => {
  expect(() => hostAddress(host)).toThrow(
    expect.objectContaining({ failure: expect.objectContaining({ code: 'E_USAGE' }) }),
  );
});

test('no host that is taken has anything that a shell or an option parser acts on', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }), (host) => {
      try {
        hostAddress(host);
      } catch (error) {
        return isFailure(error);
      }
      return /^[\w.:%@+[\]-]+$/.test(host) && !host.split('@').some((part) => part.startsWith('-'));
    }),
    { numRuns: 5000 },
  );
});

test('an option is one NAME=VALUE in one line', () => {
  for (const option of [
    'Port=2222',
    'HostKeyAlgorithms=+ssh-rsa,ssh-dss',
    'ProxyJump admin@gate',
    'KexAlgorithms = +x',
  ])
    expect(hostAddress('a', [option]).options).toEqual([option]);
  for (const option of ['', '-p', 'Port', 'Port=', '=1', 'A=b\nProxyCommand=id', 'A=\u001b[2J', 'A=\0'])
    expect(() => hostAddress('a', [option])).toThrow('option of ssh');
});
