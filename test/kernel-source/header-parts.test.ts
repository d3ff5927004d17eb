import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { headerParts, namedFolders } from '../../src/kernel-source/header-parts.ts';
import { LIMITS } from '../../src/limits.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { takeTree } from '../../src/work/take-tree.ts';
import { type Entries, temporary } from '../machine/temporary.ts';
import { DEBIAN, DEBIAN_BUILD, UBUNTU, UBUNTU_BUILD } from './header-layouts.ts';

async function partsOf(entries: Entries, build: string) {
  const root = await temporary(entries);
  const target = rootTarget(root, { dryRun: true });
  const { parts, missing } = await headerParts(target, build, async (path) => {
    const { links } = await takeTree(target, path, { bounds: LIMITS.headers });
    return links.map((link) => ({ path: join(path, link.path), text: link.text }));
  });
  return { parts: Object.fromEntries(parts.slice(1).map(({ named, path }) => [named, path])), missing };
}

describe('a build folder’s other parts are found', () => {
  test('on Debian: the common folder that the Makefile names, and linux-kbuild behind its links', async () => {
    expect(await partsOf(DEBIAN, DEBIAN_BUILD)).toEqual({
      parts: {
        '/usr/src/linux-headers-6.1.0-9-common': '/usr/src/linux-headers-6.1.0-9-common',
        '/usr/lib/linux-kbuild-6.1': '/usr/lib/linux-kbuild-6.1',
      },
      missing: [],
    });
  });

  test('on Ubuntu: the folder whose name is the beginning of the build folder’s own', async () => {
    expect(await partsOf(UBUNTU, UBUNTU_BUILD)).toEqual({
      parts: { '/usr/src/linux-headers-5.4.0-42': '/usr/src/linux-headers-5.4.0-42' },
      missing: [],
    });
  });

  test('where the packages were unpacked below a folder of their own', async () => {
    const moved = Object.entries(DEBIAN).map(([name, entry]) => [`work/${name}`, entry] as const);
    const { parts, missing } = await partsOf(Object.fromEntries(moved), `/work${DEBIAN_BUILD}`);
    expect(missing).toEqual([]);
    expect(parts['/usr/src/linux-headers-6.1.0-9-common']).toBe('/work/usr/src/linux-headers-6.1.0-9-common');
    expect(Object.values(parts)).toContain('/work/usr/lib/linux-kbuild-6.1');
  });

  test('where they lie side by side, and not below /usr/src', async () => {
    const { parts } = await partsOf(
      {
        'opt/build/Makefile': 'include /usr/src/linux-headers-6.1.0-9-common/Makefile\n',
        'opt/linux-headers-6.1.0-9-common/Makefile': 'VERSION = 6\n',
      },
      '/opt/build',
    );
    expect(parts).toEqual({ '/usr/src/linux-headers-6.1.0-9-common': '/opt/linux-headers-6.1.0-9-common' });
  });
});

test('a part that is named and not there is missing, by its name', async () => {
  const without = Object.entries(DEBIAN).filter(([name]) => !/-common\//.test(name));
  const { missing } = await partsOf(Object.fromEntries(without), DEBIAN_BUILD);
  expect(missing).toEqual(['/usr/src/linux-headers-6.1.0-9-common']);
});

test('links far down bring the part that they lead to, and none where nothing is there', async () => {
  const { parts, missing } = await partsOf(
    {
      'usr/src/linux-a/Makefile': '',
      'usr/src/linux-a/deep/down': { link: '/usr/src/linux-b/arch/x86/Kconfig' },
      'usr/src/linux-a/deep/beside': { link: '../../linux-c/include/x.h' },
      'usr/src/linux-a/deep/none': { link: '/usr/src/linux-none/x' },
      'usr/src/linux-b/arch/x86/Kconfig': '',
      'usr/src/linux-c/include/x.h': '',
    },
    '/usr/src/linux-a',
  );
  expect(parts).toEqual({ '/usr/src/linux-b': '/usr/src/linux-b', '/usr/src/linux-c': '/usr/src/linux-c' });
  expect(missing).toEqual([]);
});

test('a folder that the build folder is in is no part of it', async () => {
  const { parts } = await partsOf(
    {
      'usr/src/linux-obj/x86_64/smp/Makefile': '',
      'usr/src/linux-obj/x86_64/smp/scripts': { link: '/usr/src/linux-obj/x86_64/tools/scripts' },
      'usr/src/linux-obj/x86_64/tools/scripts/x': '',
    },
    '/usr/src/linux-obj/x86_64/smp',
  );
  expect(Object.keys(parts)).toEqual(['/usr/src/linux-obj/x86_64/tools/scripts']);
});

test('a whole tree’s own Makefile, which is long, names paths in prose only', async () => {
  const prose = `# see /usr/src/linux-headers-none for more\n${'# a kernel’s Makefile is long\n'.repeat(200)}`;
  expect(await partsOf({ 'usr/src/linux/Makefile': prose }, '/usr/src/linux')).toEqual({
    parts: {},
    missing: [],
  });
});

test('parts that lead to each other are found once, and it ends', async () => {
  const { parts } = await partsOf(
    {
      'usr/src/linux-a/Makefile': 'include /usr/src/linux-b/Makefile\n',
      'usr/src/linux-b/Makefile': 'include /usr/src/linux-a/Makefile\n',
      'usr/src/linux-b/scripts': { link: '../linux-a/scripts' },
      'usr/src/linux-a/scripts/x': '',
    },
    '/usr/src/linux-a',
  );
  expect(parts).toEqual({ '/usr/src/linux-b': '/usr/src/linux-b' });
});

test('of a Makefile, absolute folders below /usr/src, /usr/lib and /lib are taken, each once', () => {
  const makefile = `include /usr/src/linux-headers-6.1.0-9-common/Makefile
KBUILD_OUTPUT := /usr/src/linux-headers-6.1.0-9-amd64
MAKEARGS := -C /usr/src/linux-headers-6.1.0-9-common O="/lib/linux-kbuild-6.1"
SHELL = /bin/sh
x = relative/usr/src/linux-none
`;
  expect(namedFolders(makefile)).toEqual([
    '/usr/src/linux-headers-6.1.0-9-common',
    '/usr/src/linux-headers-6.1.0-9-amd64',
    '/lib/linux-kbuild-6.1',
  ]);
});
