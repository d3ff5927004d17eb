import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasSources, layOutApt } from '../../src/kernel-source/apt-config.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { listing } from '../helpers/listing.ts';
import { type Entries, sh, temporary, workspaceForTest } from '../machine/temporary.ts';

async function layOut(entries: Entries) {
  const root = await temporary(entries);
  const before = listing(root);
  const workspace = await workspaceForTest();
  const config = await layOutApt(workspace, rootTarget(root, { dryRun: true }));
  expect(listing(root)).toEqual(before);
  const home = workspace.at('apt');
  const text = (name: string) => readFile(join(home, name), 'utf8');
  return { workspace, config, home, text };
}

describe('the private apt', () => {
  test('has the guest’s sources, with their keys in place of this machine’s', async () => {
    const { home, text } = await layOut({
      'etc/apt/sources.list': 'deb [signed-by=/usr/share/keyrings/a.gpg] http://a.invalid x main\n',
      'etc/apt/sources.list.d/b.sources':
        'Types: deb\nURIs: http://b.invalid\nSuites: x\nSigned-By: /etc/apt/keyrings/b.asc\n',
      'etc/apt/sources.list.d/ignored.save': 'deb http://c.invalid x main\n',
      'usr/share/keyrings/a.gpg': 'key a',
      'etc/apt/keyrings/b.asc': 'key b',
      'etc/apt/trusted.gpg.d/c.gpg': 'key c',
      'etc/apt/trusted.gpg.d/readme.txt': 'no key',
    });
    const key = (path: string) => join(home, 'keys', path);
    expect(await text('etc/sources.list.d/sources.list')).toContain(
      `[signed-by=${key('/usr/share/keyrings/a.gpg')}] http`,
    );
    expect(await text('etc/sources.list.d/b.sources')).toContain(
      `Signed-By: ${key('/etc/apt/keyrings/b.asc')}\n`,
    );
    expect(await text('keys/usr/share/keyrings/a.gpg')).toBe('key a');
    expect(await text('keys/etc/apt/keyrings/b.asc')).toBe('key b');
    expect(sh('ls "$1"', join(home, 'etc/trusted.gpg.d'))).toBe('c.gpg\n');
    expect(sh('ls "$1"', join(home, 'etc/sources.list.d'))).toBe('b.sources\nsources.list\n');
  });

  test('has all keys that one entry names, wherever they lie, and the old keyring', async () => {
    const { config, home, text } = await layOut({
      'etc/apt/sources.list':
        'deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg,/opt/b.gpg] http://a.invalid x main\n',
      'etc/apt/sources.list.d/c.sources':
        'Types: deb\nURIs: http://b.invalid\nSuites: x\nSigned-By: /opt/c.gpg\n /opt/none.gpg\nComponents: main\n',
      'usr/share/keyrings/a.gpg': 'key a',
      'opt/b.gpg': 'key b',
      'opt/c.gpg': 'key c',
      'etc/apt/trusted.gpg': 'old keys',
    });
    const key = (path: string) => join(home, 'keys', path);
    expect(await text('etc/sources.list.d/sources.list')).toBe(
      `deb [arch=amd64 signed-by=${key('/usr/share/keyrings/a.gpg')},${key('/opt/b.gpg')}] http://a.invalid x main\n`,
    );
    expect(await text('etc/sources.list.d/c.sources')).toContain(
      `Signed-By: ${key('/opt/c.gpg')}\n ${key('/opt/none.gpg')}\nComponents: main\n`,
    );
    const copies = ['usr/share/keyrings/a.gpg', 'opt/b.gpg', 'opt/c.gpg'].map((name) => text(`keys/${name}`));
    expect(await Promise.all(copies)).toEqual(['key a', 'key b', 'key c']);
    expect(await text('etc/trusted.gpg')).toBe('old keys');
    const dump = sh('apt-config -c "$1" dump', config);
    expect(dump).toContain(`\nDir::Etc::trusted "${join(home, 'etc/trusted.gpg')}";`);
  });

  test('keeps the guest’s passwords for its own user alone', async () => {
    const { workspace, text, home } = await layOut({
      'etc/apt/sources.list': 'deb http://a.invalid x main\n',
      'etc/apt/auth.conf': 'machine a.invalid login me password secret\n',
      'etc/apt/auth.conf.d/b.conf': 'machine b.invalid login me password other\n',
    });
    expect(await text('auth.conf')).toMatch(/secret\n[\s\S]*other\n/);
    const { mode, uid } = await stat(join(home, 'auth.conf'));
    expect([mode & 0o777, uid]).toEqual([0o600, workspace.user?.uid]);
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
    expect(uid).toBe(workspace.user?.uid);
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
    'etc/apt/sources.list.d/x.sources': 'Types: deb\nURIs: http://a.invalid\n',
  });
  expect(await hasSources(rootTarget(root, { dryRun: true }))).toBe(true);
  expect(await hasSources(rootTarget(await temporary(), { dryRun: true }))).toBe(false);
});
