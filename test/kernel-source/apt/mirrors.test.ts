import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ArchiveOptions } from '../../../src/build-options.ts';
import { sha256 } from '../../../src/hash.ts';
import { openArchives } from '../../../src/kernel-source/apt/mirrors.ts';
import { obtain } from '../../../src/kernel-source/obtain.ts';
import { requireProvider } from '../../../src/kernel-source/providers.ts';
import { rootTarget } from '../../../src/machine/tree.ts';
import { silentProgress } from '../../../src/progress.ts';
import { type Entries, failureOf, put, temporary, workspaceForTest } from '../../machine/temporary.ts';
import { repository, type TestPackage } from './repository.ts';
import { SIGNED_FILES, SIGNED_PACKAGE, SIGNING_KEY } from './signed-archive.ts';

const RELEASE = '2.6.15-28-686';
const VERSION = '2.6.15-28.55';
/** As Ubuntu 6.06 has them. */
const PACKAGES: readonly TestPackage[] = [
  {
    name: `linux-headers-${RELEASE}`,
    version: VERSION,
    depends: 'linux-headers-2.6.15-28, gcc-4.0',
    files: { [`usr/src/linux-headers-${RELEASE}/Makefile`]: 'headers\n' },
  },
  { name: 'linux-headers-2.6.15-28', version: VERSION },
  // The headers' own programs of i386 run with the guest's C library.
  { name: 'libc6', version: '2.3.6-0ubuntu20' },
  {
    name: 'linux-source-2.6.15',
    version: VERSION,
    files: { 'usr/src/linux-source-2.6.15.tar.bz2': 'source' },
  },
];
const DAPPER = { 'etc/lsb-release': 'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=6.06\nDISTRIB_CODENAME=dapper\n' };

const options = (archives: Partial<ArchiveOptions>): ArchiveOptions => ({
  mirrors: [],
  mirrorKeys: [],
  sha256: [],
  allowUnsigned: false,
  ...archives,
});

async function ask(archives: Partial<ArchiveOptions>) {
  const workspace = await workspaceForTest();
  return obtain(
    workspace,
    {
      ...requireProvider({ id: 'ubuntu', pretty: 'Ubuntu 6.06' }, { release: RELEASE }),
      version: VERSION,
      architecture: 'i386',
      wants: { headers: true, source: true, wholeTree: false },
      guest: rootTarget(await temporary(DAPPER), { dryRun: true }),
      archives: options(archives),
      keeps: false,
    },
    { progress: silentProgress, user: workspace.user },
  );
}

/** Just the packages, as somebody has downloaded them. */
async function plainFolder(
  packages = PACKAGES,
): Promise<{ readonly folder: string; readonly sums: readonly string[] }> {
  const folder = await repository(packages);
  execFileSync('rm', [join(folder, 'Packages')]);
  const sums = packages.map(({ name, version }) =>
    sha256(readFileSync(join(folder, `${name}_${version}_all.deb`))),
  );
  return { folder, sums };
}

describe('a folder of Ubuntu 6.06’s packages', () => {
  test('serves where --sha256 names each, or with --allow-unsigned', async () => {
    const { folder, sums } = await plainFolder();
    for (const trust of [{ sha256: sums }, { allowUnsigned: true }]) {
      const got = await ask({ mirrors: [folder], ...trust });
      expect(got.packages.map(({ name, sha256 }) => [name, sha256])).toEqual(
        PACKAGES.map(({ name }, index) => [name, sums[index]]),
      );
      expect(readFileSync(join(got.headers ?? '', 'Makefile'), 'utf8')).toBe('headers\n');
      expect(got.source?.endsWith('/linux-source-2.6.15.tar.bz2')).toBe(true);
    }
  });

  test('is E_SIGNATURE without, and where the sum is that of another file', async () => {
    const { folder, sums } = await plainFolder();
    const refused = await failureOf(ask({ mirrors: [folder] }));
    expect([refused.code, refused.what]).toEqual(['E_SIGNATURE', expect.stringContaining(sums[0] ?? '')]);
    const wrong = ask({ mirrors: [folder], sha256: [...sums.slice(1), '0'.repeat(64)] });
    expect((await failureOf(wrong)).code).toBe('E_SIGNATURE');
  });

  test('that lacks one is an error that names it, and how many were found', async () => {
    const { folder } = await plainFolder(PACKAGES.slice(0, 3));
    const { code, what } = await failureOf(ask({ mirrors: [folder], allowUnsigned: true }));
    expect([code, what]).toEqual([
      'E_SOURCE_MISSING',
      `the archives have no linux-source-2.6.15 ${VERSION}; found 3 of 4 packages`,
    ]);
  });

  test('and another folder are looked through together', async () => {
    const [one, other] = [await plainFolder(PACKAGES.slice(0, 3)), await plainFolder(PACKAGES.slice(3))];
    const got = await ask({ mirrors: [one.folder, other.folder], allowUnsigned: true });
    expect(got.packages).toHaveLength(4);
  });
});

describe('an archive that --mirror names', () => {
  async function shown(mirror: string, guest: Entries, archives: Partial<ArchiveOptions> = {}) {
    const opening = { guest: rootTarget(await temporary(guest), { dryRun: true }), architecture: undefined };
    const apt = await openArchives(await workspaceForTest(), {
      ...opening,
      archives: options({ mirrors: [mirror], ...archives }),
    });
    return apt.show(SIGNED_PACKAGE.name);
  }

  test('is read with a key of the guest, or of --mirror-key, and not without', async () => {
    const mirror = await temporary(SIGNED_FILES);
    expect(await shown(mirror, { 'etc/apt/trusted.gpg.d/test.asc': SIGNING_KEY })).toMatchObject([
      SIGNED_PACKAGE,
    ]);
    const key = join(await temporary({ 'key.asc': SIGNING_KEY }), 'key.asc');
    expect(await shown(mirror, {}, { mirrorKeys: [key] })).toMatchObject([SIGNED_PACKAGE]);
    expect((await failureOf(shown(mirror, {}))).code).toBe('E_SIGNATURE');
  });

  test('is not asked beside the guest’s own archives, but in their place', async () => {
    const mirror = await temporary(SIGNED_FILES);
    const dead = { 'etc/apt/sources.list': 'deb http://127.0.0.1:9/none dapper main\n' };
    const found = await shown(mirror, { ...dead, 'etc/apt/trusted.gpg.d/test.asc': SIGNING_KEY });
    expect(found).toMatchObject([SIGNED_PACKAGE]);
  });

  test('with dists/ is read in the suites of the guest’s release', async () => {
    const flat = await repository([{ name: SIGNED_PACKAGE.name, version: '1' }]);
    const mirror = await temporary();
    await put(mirror, { 'dists/dapper/main/binary-all/Packages': '' });
    const index = readFileSync(join(flat, 'Packages'), 'utf8');
    const machine = execFileSync('dpkg', ['--print-architecture']).toString().trim();
    await put(mirror, { [`dists/dapper/main/binary-${machine}/Packages`]: index });
    cpSync(flat, mirror, { recursive: true, filter: (path) => !path.endsWith('/Packages') });
    const found = await shown(mirror, DAPPER, { allowUnsigned: true });
    expect(found).toMatchObject([{ name: SIGNED_PACKAGE.name, version: '1' }]);
    expect((await failureOf(shown(mirror, { 'etc/os-release': 'ID=ubuntu\n' }))).what).toContain('codename');
  });
});
