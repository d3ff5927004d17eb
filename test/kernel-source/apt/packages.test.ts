import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AptPackage } from '../../../src/kernel-source/apt/apt.ts';
import { fetchAndUnpack } from '../../../src/kernel-source/apt/obtain.ts';
import {
  type FoundPackages,
  findPackages,
  headerDependencies,
  sourceArchive,
  unpackDeb,
  type WantedPackages,
} from '../../../src/kernel-source/apt/packages.ts';
import { silentProgress } from '../../../src/progress.ts';
import { failureOf, temporary, workspaceForTest } from '../../machine/temporary.ts';
import { aptOf, repository, type TestPackage, trusted } from './repository.ts';

const RELEASE = '6.1.0-9-amd64';
const headers = (version: string): TestPackage => ({
  name: `linux-headers-${RELEASE}`,
  version,
  depends: `linux-headers-6.1.0-9-common (= ${version}), linux-kbuild-6.1 (>= ${version}), linux-compiler-gcc-12-x86`,
  files: { [`usr/src/linux-headers-${RELEASE}/Makefile`]: `of ${version}\n` },
});
const common = (version: string): TestPackage => ({ name: 'linux-headers-6.1.0-9-common', version });
const kbuild = (version: string): TestPackage => ({ name: 'linux-kbuild-6.1', version });
const source = (version: string): TestPackage => ({
  name: 'linux-source-6.1',
  version,
  files: { 'usr/src/linux-source-6.1.tar.xz': 'a tarball', 'usr/src/linux-source-6.1': { link: '/nowhere' } },
});

const BOTH = { headers: [`linux-headers-${RELEASE}`], source: 'linux-source-6.1' };

function allOf({ headers, libraries, more, source }: FoundPackages): readonly AptPackage[] {
  return [...headers, ...libraries, ...more, ...(source === undefined ? [] : [source])];
}

async function find(packages: readonly TestPackage[], wanted: WantedPackages): Promise<string[]> {
  const { apt } = await aptOf(trusted(await repository(packages)));
  return allOf(await findPackages(apt, wanted)).map(({ name, version }) => `${name}=${version}`);
}

describe('headers, what they are split into, and source are of one version:', () => {
  const all = [
    ...['6.1.9-1', '6.1.9-2'].flatMap((version) => [headers(version), common(version), source(version)]),
    kbuild('6.1.9-1'),
    kbuild('6.1.9-2'),
  ];

  test('the kernel’s, also where a newer one is there', async () => {
    expect(await find(all, { ...BOTH, version: '6.1.9-1' })).toEqual([
      `linux-headers-${RELEASE}=6.1.9-1`,
      'linux-headers-6.1.0-9-common=6.1.9-1',
      'linux-kbuild-6.1=6.1.9-1',
      'linux-source-6.1=6.1.9-1',
    ]);
  });

  test('the newest, where the kernel’s is not known', async () => {
    const found = await find(all, { ...BOTH, version: undefined });
    expect(found.every((line) => line.endsWith('=6.1.9-2'))).toBe(true);
    expect(found).toHaveLength(4);
  });

  test('but linux-kbuild, which may be newer where that version is gone', async () => {
    const packages = [headers('6.1.9-1'), common('6.1.9-1'), kbuild('6.1.9-3')];
    expect(await find(packages, { headers: BOTH.headers, version: '6.1.9-1' })).toContain(
      'linux-kbuild-6.1=6.1.9-3',
    );
  });

  test('but what the headers’ own programs need, which is the newest of its own', async () => {
    const packages = [...all, { name: 'libc6', version: '2.36-9' }, { name: 'libc6', version: '2.36-10' }];
    const wanted = { ...BOTH, libraries: ['libc6'], version: '6.1.9-1' };
    expect(await find(packages, wanted)).toContain('libc6=2.36-10');
    const { code, what } = await failureOf(find(all, wanted));
    expect([code, what]).toEqual(['E_HEADERS_MISSING', 'the archives have no libc6; found 4 of 5 packages']);
  });

  test('and so are further packages', async () => {
    const image: TestPackage = { name: `linux-image-${RELEASE}`, version: '6.1.9-2' };
    const found = await find([...all, image], { more: [image.name], version: '6.1.9-2' });
    expect(found).toEqual([`${image.name}=6.1.9-2`]);
  });
});

describe('what the archives do not have is named with its version, and those that they have:', () => {
  test('headers', async () => {
    const { code, what, next } = await failureOf(find([headers('6.1.9-2')], { ...BOTH, version: '6.1.9-1' }));
    expect([code, what]).toEqual([
      'E_HEADERS_MISSING',
      `the archives have no linux-headers-${RELEASE} 6.1.9-1 (they have 6.1.9-2) and no linux-source-6.1 6.1.9-1; found 0 of 2 packages`,
    ]);
    expect(next).toContain('--headers');
  });

  test('the common part of the headers', async () => {
    const packages = [headers('6.1.9-1'), kbuild('6.1.9-1')];
    const { code, what } = await failureOf(find(packages, { ...BOTH, version: '6.1.9-1' }));
    expect([code, what]).toEqual([
      'E_HEADERS_MISSING',
      'the archives have no linux-headers-6.1.0-9-common 6.1.9-1 and no linux-source-6.1 6.1.9-1; found 2 of 4 packages',
    ]);
  });

  test('the source', async () => {
    const { code, what, next } = await failureOf(
      find([source('6.1.9-2')], { source: BOTH.source, version: '6.1.9-1' }),
    );
    expect([code, what]).toEqual([
      'E_SOURCE_MISSING',
      'the archives have no linux-source-6.1 6.1.9-1 (they have 6.1.9-2)',
    ]);
    expect(next).toContain('--source');
  });
});

describe('fetched packages', () => {
  test('are unpacked below one folder as the unprivileged user, and the .debs are gone', async () => {
    const folder = await repository([
      headers('6.1.9-1'),
      common('6.1.9-1'),
      kbuild('6.1.9-1'),
      source('6.1.9-1'),
    ]);
    const { apt, workspace } = await aptOf(trusted(folder));
    const packages = allOf(await findPackages(apt, { ...BOTH, version: '6.1.9-1' }));
    const root = await fetchAndUnpack(workspace, apt, packages, { progress: silentProgress });
    const makefile = join(root, `usr/src/linux-headers-${RELEASE}/Makefile`);
    expect(readFileSync(makefile, 'utf8')).toBe('of 6.1.9-1\n');
    expect(statSync(makefile).uid).toBe(workspace.user?.uid);
    expect(await sourceArchive(workspace, root)).toBe(join(root, 'usr/src/linux-source-6.1.tar.xz'));
    expect(await workspace.machine.list(workspace.at('debs'))).toEqual([]);
  });

  test('a source package without a tarball is E_SOURCE_MISSING', async () => {
    const workspace = await workspaceForTest();
    expect((await failureOf(sourceArchive(workspace, workspace.folder))).code).toBe('E_SOURCE_MISSING');
  });

  test('a .deb that is none is E_FETCH, and nothing is unpacked', async () => {
    const workspace = await workspaceForTest();
    const root = await temporary();
    writeFileSync(workspace.at('bad.deb'), 'no deb');
    await workspace.handOver(workspace.folder);
    const { code, what } = await failureOf(unpackDeb(workspace, workspace.at('bad.deb'), root));
    expect([code, what.startsWith('bad.deb cannot be unpacked')]).toEqual(['E_FETCH', true]);
    expect(existsSync(join(root, 'usr'))).toBe(false);
  });
});

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
