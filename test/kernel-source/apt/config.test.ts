import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/hash.ts';
import { hasSources, layOutApt } from '../../../src/kernel-source/apt/config.ts';
import type { Target } from '../../../src/machine/port.ts';
import { rootTarget, treeTarget } from '../../../src/machine/tree.ts';
import { listing } from '../../helpers/listing.ts';
import { type Entries, sh, temporary, workspaceForTest } from '../../machine/temporary.ts';

type Kind = Target['kind'];

async function layOut(entries: Entries, kind: Kind = 'root', architecture?: string) {
  const root = await temporary(entries);
  const before = listing(root);
  const workspace = await workspaceForTest();
  const config = await layOutApt(workspace, treeTarget(kind, root, root, { dryRun: true }), { architecture });
  expect(listing(root)).toEqual(before);
  const home = workspace.fetched('apt');
  const text = (name: string) => readFile(join(home, name), 'utf8');
  return { workspace, config, home, text, sources: await text('etc/sources.list.d/mptfix.sources') };
}

/** Where a key is in the private apt: by what it holds. */
function keyFile(home: string, key: string, suffix = 'gpg'): string {
  return join(home, 'keys', `${sha256(Buffer.from(key))}.${suffix}`);
}

describe('the private apt', () => {
  test('has the guest’s sources, with their keys in place of this machine’s', async () => {
    const armored = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nb\n';
    const { home, sources } = await layOut({
      'etc/apt/sources.list': 'deb [signed-by=/usr/share/keyrings/a.gpg] http://a.invalid x main\n',
      'etc/apt/sources.list.d/b.sources':
        'Types: deb\nURIs: http://b.invalid\nSuites: x\nSigned-By: /etc/apt/keyrings/b.asc\n',
      'etc/apt/sources.list.d/ignored.save': 'deb http://c.invalid x main\n',
      'usr/share/keyrings/a.gpg': 'key a',
      'etc/apt/keyrings/b.asc': armored,
      'etc/apt/trusted.gpg.d/c.gpg': 'key c',
      'etc/apt/trusted.gpg.d/readme.txt': 'no key',
      'etc/apt/trusted.gpg': 'old keys',
    });
    expect(sources).toBe(`Types: deb
URIs: http://a.invalid
Suites: x
Components: main
Signed-By: ${keyFile(home, 'key a')}

Types: deb
URIs: http://b.invalid
Suites: x
Signed-By: ${keyFile(home, armored, 'asc')}
`);
    expect(await readFile(keyFile(home, 'key a'), 'utf8')).toBe('key a');
    expect(await readFile(keyFile(home, armored, 'asc'), 'utf8')).toBe(armored);
    const trusted = ['key c', 'old keys'].map((key) => `${sha256(Buffer.from(key))}.gpg`).sort();
    expect(sh('ls "$1"', join(home, 'etc/trusted.gpg.d'))).toBe(`${trusted.join('\n')}\n`);
    expect(sh('ls "$1"', join(home, 'etc/sources.list.d'))).toBe('mptfix.sources\n');
  });

  test('has all keys that one entry names, wherever they lie, and its fingerprints', async () => {
    const print = 'A'.repeat(40);
    const { home, sources } = await layOut({
      'etc/apt/sources.list':
        'deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg,/opt/b.gpg] http://a.invalid x main\n',
      'etc/apt/sources.list.d/c.sources': `Types: deb\nURIs: http://b.invalid\nSuites: x\nSigned-By: /opt/c.gpg\n /opt/none.gpg ${print}!\nComponents: main\n`,
      'usr/share/keyrings/a.gpg': 'key a',
      'opt/b.gpg': 'key b',
      'opt/c.gpg': 'key c',
    });
    expect(sources).toContain(`Signed-By: ${keyFile(home, 'key a')} ${keyFile(home, 'key b')}\n`);
    expect(sources).toContain(`Signed-By: ${keyFile(home, 'key c')} ${print}!\n`);
  });

  test('checks an entry whose keys are missing with no key at all, and never with any other', async () => {
    for (const names of ['/opt/none.gpg', 'A'.repeat(40), '../x', '/opt/none.gpg,,']) {
      const { home, sources } = await layOut({
        'etc/apt/sources.list': `deb [signed-by=${names}] http://a.invalid x main\n`,
        'etc/apt/trusted.gpg.d/c.gpg': 'key c',
      });
      expect(sources).toContain(`Signed-By: ${join(home, 'keys/missing.gpg')}\n`);
    }
  });

  test('keeps the key that stands in an entry itself', async () => {
    const armored = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDME\n -----END PGP PUBLIC KEY BLOCK-----';
    const { sources } = await layOut({
      'etc/apt/sources.list.d/c.sources': `Types: deb\nURIs: http://b.invalid\nSuites: x\nSigned-By:\n ${armored}\n`,
    });
    const file = /^Signed-By: (\S+\.asc)$/m.exec(sources)?.[1] ?? '';
    expect(await readFile(file, 'utf8')).toBe(
      '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDME\n-----END PGP PUBLIC KEY BLOCK-----',
    );
  });

  test('keeps this machine’s passwords for its own user alone', async () => {
    const { workspace, text, home } = await layOut(CREDENTIALS, 'local');
    expect(await text('auth.conf')).toMatch(/secret\n[\s\S]*other\n/);
    const { mode, uid } = await stat(join(home, 'auth.conf'));
    expect([mode & 0o777, uid]).toEqual([0o600, workspace.fetcher?.uid]);
  });

  test('is apt’s whole world: lists, status, keys and sources are its own, hooks are gone', async () => {
    const { config, home, workspace } = await layOut({ 'etc/apt/sources.list': '' });
    const machine = await temporary({ 'hooks.conf': 'APT::Update::Post-Invoke { "touch /hooked"; };\n' });
    const dump = sh('APT_CONFIG="$2" apt-config -c "$1" dump', config, join(machine, 'hooks.conf'));
    for (const [name, value] of [
      ['Dir::State::lists', join(home, 'state/lists')],
      ['Dir::State::status', join(home, 'status')],
      ['Dir::Cache', join(home, 'cache')],
      ['Dir::Etc::sourcelist', '/dev/null'],
      ['Dir::Etc::sourceparts', join(home, 'etc/sources.list.d')],
      ['Dir::Etc::trusted', '/dev/null'],
      ['Dir::Etc::trustedparts', join(home, 'etc/trusted.gpg.d')],
      ['Dir::Etc::netrc', join(home, 'auth.conf')],
      ['APT::Get::AllowUnauthenticated', 'false'],
      ['Acquire::AllowInsecureRepositories', 'false'],
    ] as const) {
      expect(dump).toContain(`\n${name} "${value}";`);
    }
    expect(dump).not.toMatch(/APT::Update::\S*Invoke\S*:: "/);
    const { uid } = await stat(join(home, 'state/lists/partial'));
    expect(uid).toBe(workspace.fetcher?.uid);
  });

  test('knows the guest’s architecture and no other, whatever this machine’s apt is told', async () => {
    const { config } = await layOut({}, 'root', 'i386');
    const machine = await temporary({ 'more.conf': 'APT::Architectures { "amd64"; "arm64"; };\n' });
    const dump = sh('APT_CONFIG="$2" apt-config -c "$1" dump', config, join(machine, 'more.conf'));
    expect(dump.match(/^APT::Architectures?(?:::)? .*$/gm)).toEqual([
      'APT::Architecture "i386";',
      'APT::Architectures "";',
      'APT::Architectures:: "i386";',
    ]);
    const own = await layOut({});
    expect(await own.text('apt.conf')).not.toContain('Architecture');
  });
});

/** Written once: the tree's own, and this machine's. */
const CREDENTIALS = {
  'etc/apt/sources.list': 'deb http://a.invalid x main\n',
  'etc/apt/auth.conf': 'machine a.invalid login me password secret\n',
  'etc/apt/auth.conf.d/b.conf': 'machine b.invalid login me password other\n',
};

describe('a hostile tree', () => {
  test('names keys that lead out of it, and nothing is written but by a hash', async () => {
    const victim = await temporary({ 'cron.d/keep': 'as it was' });
    const before = listing(victim);
    const up = '/..'.repeat(20);
    const { home } = await layOut({
      'etc/apt/sources.list': [`signed-by=${up}${victim}/cron.d/x`, `signed-by=${victim}/cron.d/keep`]
        .map((option) => `deb [${option}] http://a.invalid x main\n`)
        .join(''),
      [`${victim.slice(1)}/cron.d/x`]: '* * * * * root touch /owned\n',
      [`${victim.slice(1)}/cron.d/keep`]: 'other',
    });
    expect(listing(victim)).toEqual(before);
    expect(sh('find "$1" -type f -printf "%f\\n"', join(home, 'keys'))).toMatch(/^([0-9a-f]{64}\.gpg\n)+$/);
  });

  test('has passwords of its own, which are not taken over', async () => {
    const { home } = await layOut(CREDENTIALS);
    expect(sh('grep -rl secret "$1" || true', home)).toBe('');
  });

  test('names a thousand archives, a device for a key, and a keyring of 2 MB', async () => {
    const { home, sources } = await layOut({
      'etc/apt/sources.list': 'deb [signed-by=/k.gpg] http://a.invalid x main\n'.repeat(1000),
      'k.gpg': Buffer.alloc(2 * 1024 * 1024),
    });
    expect(sources.match(/^Types/gm)).toHaveLength(100);
    expect(sh('ls "$1"', join(home, 'keys'))).toBe('');
  });
});

test.each([
  ['deb http://a.invalid x main\n', true],
  ['  deb-src [arch=amd64] http://a.invalid x main\n', true],
  ['# deb http://a.invalid x main\n', false],
  ['', false],
])('sources.list of %j names an archive: %s', async (text, answer) => {
  const root = await temporary({ 'etc/apt/sources.list': text });
  expect(await hasSources(rootTarget(root, { dryRun: true }))).toBe(answer);
});

test('an archive may also be named in the folder, in the newer form; a bare tree names none', async () => {
  const root = await temporary({
    'etc/apt/sources.list.d/x.sources': 'Types: deb\nURIs: http://a.invalid\nSuites: x\n',
  });
  expect(await hasSources(rootTarget(root, { dryRun: true }))).toBe(true);
  expect(await hasSources(rootTarget(await temporary(), { dryRun: true }))).toBe(false);
});
