import { describe, expect, test } from 'vitest';
import { requireProvider } from '../../../src/kernel-source/providers.ts';
import { fitting, type RpmIdentity, rpmVersion } from '../../../src/kernel-source/rpm/package.ts';

/** A distro, a kernel's release, and its packages: the build folder's, the source's, and the version of both. */
const NAMES: readonly (readonly [
  distro: string,
  release: string,
  headers: string,
  source: string,
  version: string,
])[] = [
  ['rhel', '2.4.21-47.ELhugemem', 'kernel-source', 'kernel-source', '2.4.21-47.EL'],
  ['rhel', '2.6.9-42.0.10.ELsmp', 'kernel-smp-devel', 'kernel', '2.6.9-42.0.10.EL'],
  ['rhel', '2.6.9-34.EL', 'kernel-devel', 'kernel', '2.6.9-34.EL'],
  ['centos', '2.6.9-89.ELlargesmp', 'kernel-largesmp-devel', 'kernel', '2.6.9-89.EL'],
  ['centos', '2.6.18-8.1.15.el5PAE', 'kernel-PAE-devel', 'kernel', '2.6.18-8.1.15.el5'],
  ['scientific', '2.6.18-8.el5xen', 'kernel-xen-devel', 'kernel', '2.6.18-8.el5'],
  ['asianux', '2.6.9-42.7AXsmp', 'kernel-smp-devel', 'kernel', '2.6.9-42.7AX'],
  ['rhel', '2.6.32-431.el6.x86_64', 'kernel-devel', 'kernel', '2.6.32-431.el6'],
  ['rhel', '5.14.0-503.el9.x86_64+debug', 'kernel-debug-devel', 'kernel', '5.14.0-503.el9'],
  ['fedora', '6.5.6-300.fc39.x86_64', 'kernel-devel', 'kernel', '6.5.6-300.fc39'],
  ['oracle', '4.14.35-2047.el7uek.x86_64', 'kernel-uek-devel', 'kernel-uek', '4.14.35-2047.el7uek'],
  ['sles', '2.6.5-7.244-smp', 'kernel-syms', 'kernel-source', '2.6.5-7.244'],
  ['sles', '2.6.16.60-0.21-bigsmp', 'kernel-syms', 'kernel-source', '2.6.16.60-0.21'],
  ['sles', '3.0.101-63-default', 'kernel-default-devel', 'kernel-source', '3.0.101-63'],
  ['opensuse', '5.3.18-150300.59.43-default', 'kernel-default-devel', 'kernel-source', '5.3.18-150300.59.43'],
];

describe('the packages of a kernel are named as the distro did', () => {
  test.each(NAMES)('%s %s', (distro, release, headers, source, version) => {
    const { provider, kernel } = requireProvider({ id: distro, pretty: distro }, { release });
    const names = provider.packages(kernel);
    expect([names.headers[0], names.source, rpmVersion(kernel)]).toEqual([headers, source, version]);
  });
});

describe('of the packages that are there', () => {
  const rpm = (text: string): RpmIdentity => {
    const [, name = '', version = '', release = '', architecture = ''] =
      /^(.*)-([^-]+)-([^-]+)\.(\w+)$/.exec(text) ?? [];
    return { name, version, release, architecture, isSource: architecture === 'src' };
  };
  const chosen = (
    distro: string,
    release: string,
    architecture: string,
    there: readonly string[],
    isSource = false,
  ) => {
    const { provider, kernel } = requireProvider({ id: distro, pretty: distro }, { release });
    const names = provider.packages(kernel);
    const name = isSource ? names.source : (names.headers[0] ?? '');
    const wanted = { name, isSource, purpose: isSource ? ('source' as const) : ('headers' as const) };
    return fitting(there.map(rpm), wanted, { provider, kernel, architecture }).map(
      (one) => `${one.release}.${one.architecture}`,
    );
  };

  test('those of the very release, flavour and architecture serve', () => {
    const there = [
      'kernel-devel-2.6.18-8.el5.x86_64',
      'kernel-devel-2.6.18-8.1.15.el5.x86_64',
      'kernel-PAE-devel-2.6.18-8.el5.i686',
      'kernel-devel-2.6.18-8.el5.i686',
      'kernel-devel-2.6.18-8.el5.src',
    ];
    expect(chosen('centos', '2.6.18-8.el5', 'x86_64', there)).toEqual(['8.el5.x86_64']);
    expect(chosen('centos', '2.6.18-8.el5', 'i386', there)).toEqual(['8.el5.i686']);
    expect(chosen('centos', '2.6.18-8.el5PAE', 'i386', there)).toEqual(['8.el5.i686']);
    expect(chosen('centos', '2.6.18-8.el5xen', 'i386', there)).toEqual([]);
  });

  test('a source RPM, of whatever architecture it was made on, and no binary one of that name', () => {
    const there = ['kernel-2.6.18-8.el5.x86_64', 'kernel-2.6.18-8.el5.src', 'kernel-2.6.18-9.el5.src'];
    expect(chosen('centos', '2.6.18-8.el5', 'x86_64', there, true)).toEqual(['8.el5.src']);
  });

  test('a release that names its processor takes no other', () => {
    const there = ['kernel-devel-2.6.32-431.el6.i586', 'kernel-devel-2.6.32-431.el6.i686'];
    expect(chosen('rhel', '2.6.32-431.el6.i686', 'i386', there)).toEqual(['431.el6.i686']);
  });

  test('SUSE’s that were built again serve, the newest first; Red Hat’s do not', () => {
    const there = [
      'kernel-default-devel-4.12.14-122.20.1.x86_64',
      'kernel-default-devel-4.12.14-122.20.2.x86_64',
    ];
    expect(
      chosen('sles', '4.12.14-122.20-default', 'x86_64', [
        ...there,
        'kernel-default-devel-4.12.14-122.201.x86_64',
      ]),
    ).toEqual(['122.20.2.x86_64', '122.20.1.x86_64']);
    expect(
      chosen('rhel', '4.18.0-553.el8.x86_64', 'x86_64', ['kernel-devel-4.18.0-553.el8.1.x86_64']),
    ).toEqual([]);
  });
});
