import { describe, expect, test } from 'vitest';
import { namedKernel, PROVIDERS, providerFor, requireProvider } from '../../src/kernel-source/providers.ts';
import { failureOf } from '../machine/temporary.ts';

/** A distro, a kernel of it, and what its packages are called there. */
const NAMES: readonly (readonly [
  distro: string,
  release: string,
  base: string,
  headers: string,
  source: string,
])[] = [
  ['debian', '2.6.8-2-686', '2.6.8', 'kernel-headers-2.6.8-2-686', 'kernel-source-2.6.8'],
  ['debian', '2.6.18-6-686', '2.6.18', 'linux-headers-2.6.18-6-686', 'linux-source-2.6.18'],
  ['debian', '6.1.0-56-amd64', '6.1.192', 'linux-headers-6.1.0-56-amd64', 'linux-source-6.1'],
  ['debian', '6.12.117+deb13-amd64', '6.12.117', 'linux-headers-6.12.117+deb13-amd64', 'linux-source-6.12'],
  ['ubuntu', '2.6.15-28-686', '2.6.15', 'linux-headers-2.6.15-28-686', 'linux-source-2.6.15'],
  ['ubuntu', '3.2.0-23-generic', '3.2.0', 'linux-headers-3.2.0-23-generic', 'linux-source-3.2.0'],
  ['ubuntu', '5.15.0-91-generic', '5.15.0', 'linux-headers-5.15.0-91-generic', 'linux-source-5.15.0'],
];

describe('packages are named as the distro did', () => {
  test.each(NAMES)('%s %s', (distro, release, base, headers, source) => {
    const { provider, kernel } = requireProvider({ id: distro, pretty: distro }, { release, base });
    const names = provider.packages(kernel);
    expect([names.headers[0], names.source]).toEqual([headers, source]);
  });
});

test('Ubuntu’s modules have been in packages of their own since 18.04', () => {
  const modules = (release: string) =>
    requireProvider({ id: 'ubuntu', pretty: '' }, { release }).provider.packages(
      namedKernel(release) ?? expect.fail(),
    ).modules;
  expect(modules('4.4.0-210-generic')).toEqual(['linux-image-4.4.0-210-generic']);
  expect(modules('4.15.0-20-generic')).toEqual([
    'linux-modules-4.15.0-20-generic',
    'linux-modules-extra-4.15.0-20-generic',
  ]);
});

test('of every distro each kernel has one row at most', () => {
  const bases = [
    '2.4.21',
    '2.6.8',
    '2.6.12',
    '2.6.18',
    '2.6.32',
    '3.10.0',
    '4.15.0',
    '4.18.0',
    '5.14.0',
    '6.12.1',
  ];
  for (const id of new Set(PROVIDERS.flatMap(({ distros }) => distros))) {
    for (const base of bases) {
      const rows = PROVIDERS.filter((row) => row.distros.includes(id) && providerFor(id, base) === row);
      expect(rows.length, `${id} ${base}`).toBeLessThanOrEqual(1);
    }
  }
});

test('a distro without a row, and a release without a version, are refused with what to give', async () => {
  const refused = async (id: string, release: string) =>
    failureOf(Promise.resolve().then(() => requireProvider({ id, pretty: id }, { release })));
  expect((await refused('plan9', '6.1.0')).code).toBe('E_DISTRO_UNKNOWN');
  expect(await refused('debian', '6')).toMatchObject({
    code: 'E_SOURCE_MISSING',
    next: expect.stringContaining('--source and --headers'),
  });
});
