import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ArchiveOptions } from '../../../src/build-options.ts';
import { sha256 } from '../../../src/hash.ts';
import { obtain } from '../../../src/kernel-source/obtain.ts';
import { requireProvider } from '../../../src/kernel-source/providers.ts';
import { rootTarget } from '../../../src/machine/tree.ts';
import { silentProgress } from '../../../src/progress.ts';
import { type Entries, failureOf, temporary, workspaceForTest } from '../../machine/temporary.ts';
import { develRpm, folderWith, mirrorOf, sign, signingKey, sourceRpm } from './rpms.ts';

const KERNEL = { version: '4.18.0', release: '553.el8' };
const RELEASE = '4.18.0-553.el8.x86_64';
const DRIVER = 'drivers/message/fusion/mptscsih.c';
const change = (from: string, to: string): string =>
  `--- a/${DRIVER}\n+++ b/${DRIVER}\n@@ -1 +1 @@\n-${from}\n+${to}\n`;
const ELSEWHERE = '--- a/README\n+++ b/README\n@@ -1 +1 @@\n-what is not there\n+anything\n';
const PATCHES = {
  'one.patch': change('first', 'second'),
  'else.patch': ELSEWHERE,
  'two.patch': change('second', 'third'),
};
const PREP = '%patch1 -p1\n%patch2 -p1\n%patch3 -p1';

async function tree(): Promise<string> {
  return folderWith(await temporary(), {
    Makefile: 'VERSION = 4\nPATCHLEVEL = 18\nSUBLEVEL = 0\n',
    [DRIVER]: 'first\n',
    README: 'about\n',
  });
}

const HEADERS = { Makefile: 'VERSION = 4\n', '.config': '', 'Module.symvers': '' };

/** Asks for both, for a guest that has these files. */
async function ask(archives: Partial<ArchiveOptions>, guest: Entries = {}, wholeTree = false) {
  const workspace = await workspaceForTest();
  const root = await temporary(guest);
  return obtain(
    workspace,
    {
      ...requireProvider({ id: 'rhel', pretty: 'RHEL' }, { release: RELEASE }),
      version: undefined,
      architecture: 'x86_64',
      wants: { headers: true, source: true, wholeTree },
      guest: rootTarget(root, { dryRun: true }),
      archives: { mirrors: [], mirrorKeys: [], sha256: [], allowUnsigned: false, ...archives },
      keeps: false,
    },
    { progress: silentProgress, user: workspace.user },
  );
}

describe.each([
  ['a folder', false],
  ['an archive that createrepo_c has indexed, by dnf', true],
])('from %s', (_, indexed) => {
  test('signed packages are taken with the guest’s key, the spec’s patches applied, and no scriptlet run', async () => {
    const key = signingKey();
    const mark = join(await temporary(), 'mark');
    const files = [
      await develRpm(KERNEL, folderWith(await temporary(), HEADERS), { mark }),
      await sourceRpm(KERNEL, await tree(), { patches: PATCHES, prep: PREP }),
    ];
    for (const file of files) sign(file, key);
    const mirror = await mirrorOf(files, indexed);
    const got = await ask({ mirrors: [mirror] }, { 'etc/pki/rpm-gpg/RPM-GPG-KEY-test': key.publicKey });
    expect(got.packages.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'kernel-devel 4.18.0-553.el8',
      'kernel.src 4.18.0-553.el8',
    ]);
    expect(got.packages.map((one) => one.sha256)).toEqual(files.map((file) => sha256(readFileSync(file))));
    expect(readFileSync(join(got.headers ?? '', 'Makefile'), 'utf8')).toBe(HEADERS.Makefile);
    expect(basename(got.headers ?? '')).toBe(RELEASE);
    expect(readFileSync(join(got.source ?? '', DRIVER), 'utf8')).toBe('third\n');
    expect(existsSync(mark)).toBe(false);
  });
});

describe('what vouches for a package:', () => {
  async function unsigned() {
    const files = [
      await develRpm(KERNEL, folderWith(await temporary(), HEADERS)),
      await sourceRpm(KERNEL, await tree(), { patches: PATCHES, prep: PREP }),
    ];
    return { files, mirror: await mirrorOf(files) };
  }

  test('nothing is E_SIGNATURE, with the sum to compare; --sha256 and --allow-unsigned take it', async () => {
    const { files, mirror } = await unsigned();
    const sums = files.map((file) => sha256(readFileSync(file)));
    const refused = await failureOf(ask({ mirrors: [mirror] }));
    expect([refused.code, refused.what]).toEqual([
      'E_SIGNATURE',
      `nothing vouches for ${basename(files[0] ?? '')} (SHA-256 ${sums[0]}): it is not signed`,
    ]);
    expect((await failureOf(ask({ mirrors: [mirror], sha256: sums.slice(0, 1) }))).what).toContain(
      '.src.rpm',
    );
    expect((await ask({ mirrors: [mirror], sha256: sums })).packages).toHaveLength(2);
    expect((await ask({ mirrors: [mirror], allowUnsigned: true })).packages).toHaveLength(2);
  });

  test('a signature by a key that is not here does not, until --mirror-key brings it', async () => {
    const { files } = await unsigned();
    const key = signingKey();
    for (const file of files) sign(file, key);
    const mirror = await mirrorOf(files);
    const refused = await failureOf(ask({ mirrors: [mirror] }));
    expect([refused.code, refused.what]).toEqual(['E_SIGNATURE', expect.stringContaining('NOKEY')]);
    const file = join(await temporary({ key: key.publicKey }), 'key');
    expect((await ask({ mirrors: [mirror], mirrorKeys: [file] })).packages).toHaveLength(2);
  });

  test('a package that was changed after it was signed is E_SIGNATURE, with --allow-unsigned too', async () => {
    const { files } = await unsigned();
    const key = signingKey();
    for (const file of files) sign(file, key);
    const mirror = await mirrorOf(files);
    const path = join(mirror, basename(files[0] ?? ''));
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill((bytes.at(-40) ?? 0) ^ 1, bytes.length - 40, bytes.length - 39));
    const guest = { 'etc/pki/rpm-gpg/key': key.publicKey };
    for (const allowUnsigned of [false, true]) {
      const refused = await failureOf(ask({ mirrors: [mirror], allowUnsigned }, guest));
      expect([refused.code, refused.what]).toEqual(['E_SIGNATURE', expect.stringContaining('BAD')]);
    }
  });
});

describe('what is not there is named, with where it was looked for:', () => {
  test('one of two packages', async () => {
    const devel = await develRpm(KERNEL, folderWith(await temporary(), HEADERS));
    const mirror = await mirrorOf([devel]);
    const { code, what } = await failureOf(ask({ mirrors: [mirror], allowUnsigned: true }));
    expect([code, what]).toEqual([
      'E_SOURCE_MISSING',
      `found 1 of 2 packages in ${mirror}: no kernel-4.18.0-553.el8.src.rpm`,
    ]);
  });

  test('a devel package of another release', async () => {
    const files = [
      await develRpm({ ...KERNEL, release: '477.el8' }, folderWith(await temporary(), HEADERS)),
      await sourceRpm(KERNEL, await tree(), { patches: PATCHES, prep: PREP }),
    ];
    const { code, what } = await failureOf(ask({ mirrors: [await mirrorOf(files)], allowUnsigned: true }));
    expect([code, what]).toEqual([
      'E_HEADERS_MISSING',
      expect.stringContaining(
        'no kernel-devel-4.18.0-553.el8.x86_64.rpm (there are kernel-devel-4.18.0-477.el8.x86_64.rpm)',
      ),
    ]);
  });

  test('a folder that is not there', async () => {
    expect((await failureOf(ask({ mirrors: ['/nowhere/at/all'] }))).code).toBe('E_FETCH');
  });
});

describe('a source RPM', () => {
  async function prepared(
    prep: string,
    patches: Readonly<Record<string, string>> = PATCHES,
    wholeTree = false,
  ) {
    const files = [
      await develRpm(KERNEL, folderWith(await temporary(), HEADERS)),
      await sourceRpm(KERNEL, await tree(), { patches, prep }),
    ];
    return ask({ mirrors: [await mirrorOf(files)], allowUnsigned: true }, {}, wholeTree);
  }

  test('whose patch does not fit the driver is E_SOURCE_PREP', async () => {
    const { code, what } = await failureOf(prepared('%patch1 -p1', { 'bad.patch': change('another', 'x') }));
    expect([code, what]).toEqual(['E_SOURCE_PREP', expect.stringContaining('bad.patch')]);
  });

  test('that lacks a patch of its spec is E_SOURCE_MISSING', async () => {
    const file = await sourceRpm(KERNEL, await tree(), {
      patches: PATCHES,
      prep: PREP,
      left: ['gone.patch'],
    });
    const devel = await develRpm(KERNEL, folderWith(await temporary(), HEADERS));
    const { code, what } = await failureOf(
      ask({ mirrors: [await mirrorOf([devel, file])], allowUnsigned: true }),
    );
    expect([code, what]).toEqual([
      'E_SOURCE_MISSING',
      'kernel-4.18.0-553.el8.src.rpm lacks gone.patch, which its spec uses',
    ]);
  });

  test('that takes a patch out again does so', async () => {
    const got = await prepared('%patch1 -p1\n%patch3 -p1\n%patch3 -p1 -R');
    expect(readFileSync(join(got.source ?? '', DRIVER), 'utf8')).toBe('second\n');
  });

  test('whose %prep changes the driver by hand is prepared by rpmbuild, in a sandbox', async () => {
    const got = await prepared(
      `%patch1 -p1\nsed -i s/second/by-hand/ ${DRIVER}\ntest ! -e /var/tmp || exit 1\ntest "$(id -u)" != 0 || exit 1`,
      { 'one.patch': PATCHES['one.patch'] },
    );
    expect(readFileSync(join(got.source ?? '', DRIVER), 'utf8')).toBe('by-hand\n');
    expect(existsSync(join(got.source ?? '', 'README'))).toBe(true);
  });

  test('is prepared whole for a whole tree; what fails there is E_SOURCE_PREP', async () => {
    const got = await prepared('%patch1 -p1\n%patch3 -p1', PATCHES, true);
    expect(readFileSync(join(got.source ?? '', DRIVER), 'utf8')).toBe('third\n');
    const refused = await failureOf(prepared(PREP, PATCHES, true));
    expect([refused.code, refused.what]).toEqual(['E_SOURCE_PREP', expect.stringContaining('%prep')]);
  });
});
