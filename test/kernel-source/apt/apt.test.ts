import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { silentProgress } from '../../../src/progress.ts';
import { failureOf, temporary } from '../../machine/temporary.ts';
import { aptOf, aptOfTree, repository, type TestPackage, trusted } from './repository.ts';
import { SIGNED_FILES, SIGNED_PACKAGE, SIGNING_KEY } from './signed-archive.ts';

const HEADERS: readonly TestPackage[] = [
  { name: 'linux-headers-6.1.0-9-test', version: '6.1.9-1', depends: 'linux-kbuild-6.1 (>= 6.1.9-1)' },
  { name: 'linux-headers-6.1.0-9-test', version: '6.1.10-1' },
  { name: 'linux-headers-6.1.0-9-test', version: '6.1.9-2' },
  { name: 'linux-headers-6.1.0-9-test-more', version: '7' },
];
const NAME = 'linux-headers-6.1.0-9-test';

describe('a private apt', () => {
  test('shows every version of just that package, the newest first, with what its index says', async () => {
    const folder = await repository(HEADERS);
    const { apt } = await aptOf(trusted(folder));
    const found = await apt.show(NAME);
    expect(found.map(({ version }) => version)).toEqual(['6.1.10-1', '6.1.9-2', '6.1.9-1']);
    const file = readFileSync(join(folder, `${NAME}_6.1.9-1_all.deb`));
    expect(found.at(-1)).toEqual({
      name: NAME,
      version: '6.1.9-1',
      size: file.length,
      sha256: createHash('sha256').update(file).digest('hex'),
      depends: 'linux-kbuild-6.1 (>= 6.1.9-1)',
    });
    expect(await apt.show('linux-headers-none')).toEqual([]);
  });

  test('fetches the very files, as a user that only fetches, for the one that unpacks, and tells how far it is', async () => {
    const folder = await repository(HEADERS);
    const { apt, workspace } = await aptOf(trusted(folder));
    const wanted = (await apt.show(NAME)).slice(1);
    const notes: string[] = [];
    const sizes: number[] = [];
    const files = await apt.download(wanted, {
      note: (text) => notes.push(text),
      bytes: (done, total) => sizes.push(done, total ?? -1),
    });
    expect(files).toHaveLength(2);
    files.forEach((file, index) => {
      const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
      expect([sha256, statSync(file).uid]).toEqual([wanted[index]?.sha256, workspace.user?.uid]);
      expect(file.startsWith(workspace.folder)).toBe(true);
    });
    expect(notes).toEqual([`fetching ${NAME}=6.1.9-2 ${NAME}=6.1.9-1`]);
    expect(sizes.length).toBeGreaterThan(0);
  });

  test.each(['i386', 'amd64', 'arm64'])('has the packages of %s alone, and those for all', async (wanted) => {
    const image = 'linux-image-test';
    const folder = await repository([
      ...['amd64', 'i386', 'arm64'].map((architecture) => ({ name: image, version: '1', architecture })),
      { name: 'linux-source-6.1', version: '1' },
    ]);
    const { apt } = await aptOf(trusted(folder), {}, { architecture: wanted });
    const found = await apt.show(image);
    const file = readFileSync(join(folder, `${image}_1_${wanted}.deb`));
    expect(found.map(({ sha256 }) => sha256)).toEqual([createHash('sha256').update(file).digest('hex')]);
    expect(await apt.show('linux-source-6.1')).toHaveLength(1);
    expect((await apt.download(found, silentProgress)).map((path) => basename(path))).toEqual([
      `${image}_1_${wanted}.deb`,
    ]);
  });
});

describe('an archive that is not signed', () => {
  test('with a Release file is E_SIGNATURE, and none of its packages is shown', async () => {
    const folder = await repository(HEADERS);
    writeFileSync(join(folder, 'Release'), SIGNED_FILES.InRelease?.split('\n').slice(3, 12).join('\n') ?? '');
    const { apt } = await aptOf(`deb file:${folder} ./`);
    expect((await failureOf(apt.show(NAME))).code).toBe('E_SIGNATURE');
  });

  test('without any Release file is E_SIGNATURE too', async () => {
    const folder = await repository(HEADERS);
    expect(readdirSync(folder).filter((name) => name.includes('Release'))).toEqual([]);
    const { apt } = await aptOf(`deb file:${folder} ./`);
    const { code, next } = await failureOf(apt.show(NAME));
    expect([code, next]).toEqual(['E_SIGNATURE', expect.stringContaining('archive.debian.org')]);
  });

  test('does not hide another that is good', async () => {
    const bad = await repository(HEADERS);
    const good = await repository(HEADERS.slice(0, 1));
    const { apt } = await aptOf(`deb file:${bad} ./\n${trusted(good)}`);
    expect((await apt.show(NAME)).map(({ version }) => version)).toEqual(['6.1.9-1']);
  });
});

describe('an archive that is signed', () => {
  const KEYED = { 'usr/share/keyrings/test.asc': SIGNING_KEY };
  const line = (folder: string) => `deb [signed-by=/usr/share/keyrings/test.asc] file:${folder} ./`;

  test('is read with the key that the guest names, which this machine does not have', async () => {
    const folder = await temporary(SIGNED_FILES);
    const { apt } = await aptOf(line(folder), KEYED);
    expect(await apt.show(SIGNED_PACKAGE.name)).toMatchObject([SIGNED_PACKAGE]);
  });

  test('is read with the second of two keys, and with one of the old keyring', async () => {
    const folder = await temporary(SIGNED_FILES);
    const other = { 'usr/share/keyrings/none.gpg': '' };
    const { apt } = await aptOf(
      `deb [signed-by=/usr/share/keyrings/none.gpg,/usr/share/keyrings/test.asc] file:${folder} ./`,
      { ...KEYED, ...other },
    );
    expect(await apt.show(SIGNED_PACKAGE.name)).toMatchObject([SIGNED_PACKAGE]);
    const body = SIGNING_KEY.split('\n\n')[1]?.split('\n=')[0] ?? '';
    const old = await aptOf(`deb file:${folder} ./`, { 'etc/apt/trusted.gpg': Buffer.from(body, 'base64') });
    expect(await old.apt.show(SIGNED_PACKAGE.name)).toMatchObject([SIGNED_PACKAGE]);
  });

  test('is E_SIGNATURE where the guest does not have the key', async () => {
    const folder = await temporary(SIGNED_FILES);
    const { apt } = await aptOf(`deb file:${folder} ./`);
    expect((await failureOf(apt.show(SIGNED_PACKAGE.name))).code).toBe('E_SIGNATURE');
  });

  test('is E_SIGNATURE where what was signed was changed', async () => {
    const release = SIGNED_FILES.InRelease?.replace('Suite: test', 'Suite: evil') ?? '';
    const folder = await temporary({ ...SIGNED_FILES, InRelease: release });
    const { apt } = await aptOf(line(folder), KEYED);
    expect((await failureOf(apt.show(SIGNED_PACKAGE.name))).code).toBe('E_SIGNATURE');
  });

  test('is E_SIGNATURE where its index is not the one that was signed', async () => {
    const index = SIGNED_FILES.Packages?.replace('linux-headers.deb', 'linux-hacked1.deb') ?? '';
    const folder = await temporary({ ...SIGNED_FILES, Packages: index });
    const { apt } = await aptOf(line(folder), KEYED);
    expect((await failureOf(apt.show(SIGNED_PACKAGE.name))).code).toBe('E_SIGNATURE');
  });
});

describe('a tree’s archive of the network', () => {
  const servers: Server[] = [];
  afterAll(() => void servers.map((server) => server.close()));

  /** The folder's files, by HTTP. */
  async function served(folder: string): Promise<string> {
    const server = createServer((request, response) => {
      try {
        response.end(readFileSync(join(folder, basename(request.url ?? ''))));
      } catch {
        response.writeHead(404).end();
      }
    });
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test('is read with the key that the tree names', async () => {
    const url = await served(await temporary(SIGNED_FILES));
    const { apt } = await aptOfTree({
      'etc/apt/sources.list': `deb [signed-by=/opt/key.asc] ${url} ./\n`,
      'opt/key.asc': SIGNING_KEY,
    });
    expect(await apt.show(SIGNED_PACKAGE.name)).toMatchObject([SIGNED_PACKAGE]);
  });

  test.each(['trusted=yes', 'allow-insecure=yes', 'allow-insecure=yes trusted=yes allow-weak=yes'])(
    'is E_SIGNATURE without a signature, although the tree says %s',
    async (options) => {
      const url = await served(await repository(HEADERS));
      const { apt } = await aptOfTree({ 'etc/apt/sources.list': `deb [${options}] ${url} ./\n` });
      expect((await failureOf(apt.show(NAME))).code).toBe('E_SIGNATURE');
    },
  );
});

describe('a .deb', () => {
  async function spoiled(spoil: (path: string) => void) {
    const folder = await repository(HEADERS.slice(0, 1));
    spoil(join(folder, `${NAME}_6.1.9-1_all.deb`));
    const { apt, workspace } = await aptOf(trusted(folder));
    const failure = await failureOf(apt.download(await apt.show(NAME), silentProgress));
    return { ...failure, left: readdirSync(workspace.fetched('debs')) };
  }

  test('that is not what the index says is E_SIGNATURE, and is not kept', async () => {
    const { code, left } = await spoiled((path) => {
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.fill(0x20, bytes.length - 20));
    });
    expect([code, left.filter((name) => name.endsWith('.deb'))]).toEqual(['E_SIGNATURE', []]);
  });

  test('that is not there is E_FETCH', async () => {
    expect((await spoiled((path) => rmSync(path))).code).toBe('E_FETCH');
  });
});

test('an archive that is not there is E_FETCH, told when a package is asked for', async () => {
  const folder = await temporary();
  const { apt } = await aptOf(trusted(join(folder, 'none')));
  const { code, next } = await failureOf(apt.show(NAME));
  expect([code, next]).toEqual(['E_FETCH', expect.stringContaining('--source and --headers')]);
});

test('this machine’s own lists and packages are not touched', async () => {
  const lists = readdirSync('/var/lib/apt/lists').sort();
  const cache = readdirSync('/var/cache/apt/archives').sort();
  const { apt } = await aptOf(trusted(await repository(HEADERS)));
  await apt.download((await apt.show(NAME)).slice(0, 1), silentProgress);
  expect(readdirSync('/var/lib/apt/lists').sort()).toEqual(lists);
  expect(readdirSync('/var/cache/apt/archives').sort()).toEqual(cache);
});

test('a name that looks like an option is a name', async () => {
  const folder = await repository(HEADERS.slice(0, 1));
  const { apt } = await aptOf(trusted(folder));
  expect(await apt.show('--version')).toEqual([]);
});
