import { describe, expect, test } from 'vitest';
import { headerDependencies } from '../../src/kernel-source/depends.ts';
import { PROVIDERS, providerFor } from '../../src/kernel-source/provider.ts';

describe('of a Depends field, what the headers are split into is needed', () => {
  test('on Debian 12', () => {
    const field =
      'linux-headers-6.1.0-56-common (= 6.1.192-2), linux-image-6.1.0-56-amd64 (= 6.1.192-2) | linux-image-6.1.0-56-amd64-unsigned (= 6.1.192-2), linux-kbuild-6.1 (>= 6.1.192-2), linux-compiler-gcc-12-x86';
    expect(headerDependencies(field)).toEqual([
      { name: 'linux-headers-6.1.0-56-common', exactly: '6.1.192-2' },
      { name: 'linux-kbuild-6.1' },
    ]);
  });

  test('on Ubuntu', () => {
    expect(headerDependencies('linux-headers-5.4.0-42, libc6 (>= 2.14), libssl1.1')).toEqual([
      { name: 'linux-headers-5.4.0-42' },
    ]);
  });

  test('with an architecture, and odd spaces', () => {
    const field = '  linux-kbuild-2.6.18:any(= 2.6.18-1),linux-headers-x (=1:2)';
    expect(headerDependencies(field)).toEqual([
      { name: 'linux-kbuild-2.6.18', exactly: '2.6.18-1' },
      { name: 'linux-headers-x', exactly: '1:2' },
    ]);
  });

  test('and nothing of an empty or hostile one', () => {
    expect(headerDependencies('')).toEqual([]);
    expect(headerDependencies('-o APT::x=y, --help, linux-image-1, $(id)')).toEqual([]);
  });
});

describe('a provider names the packages of', () => {
  test('Debian', () => {
    const debian = providerFor('debian');
    expect(debian?.headers('6.1.0-56-amd64')).toBe('linux-headers-6.1.0-56-amd64');
    expect(debian?.modules('6.1.0-56-amd64')).toEqual(['linux-image-6.1.0-56-amd64']);
    expect([debian?.source('6.1'), debian?.newest('amd64')]).toEqual([
      'linux-source-6.1',
      'linux-image-amd64',
    ]);
  });

  test('Ubuntu', () => {
    const ubuntu = providerFor('ubuntu');
    expect(ubuntu?.source('5.4')).toBe('linux-source-5.4.0');
    expect(ubuntu?.modules('5.4.0-42-generic')).toEqual([
      'linux-modules-5.4.0-42-generic',
      'linux-modules-extra-5.4.0-42-generic',
    ]);
  });

  test('each distro once, and none of one that it does not know', () => {
    const ids = PROVIDERS.flatMap(({ distros }) => distros);
    expect(new Set(ids).size).toBe(ids.length);
    expect([providerFor('plan9'), providerFor('')]).toEqual([undefined, undefined]);
  });
});
