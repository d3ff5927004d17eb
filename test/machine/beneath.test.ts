import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { beneath } from '../../src/machine/beneath.ts';
import { type Entries, failureOf, put, sh, temporary } from './temporary.ts';

const TREE: Entries = {
  'etc/hostname': 'guest\n',
  'usr/lib/modules/6.1/modules.dep': '',
  lib: { link: '/usr/lib' },
  'var/out': { link: '../../../../../../etc' },
  'var/beside': { link: '../etc/hostname' },
  'opt/twice': { link: '/opt/once' },
  'opt/once': { link: '/lib/modules' },
  'loop/a': { link: 'b' },
  'loop/b': { link: '/loop/a' },
  'loop/self': { link: 'self/below' },
  dangling: { link: '/not/there' },
  root: { link: '/' },
};

const resolved = (root: string, path: string): Promise<string> =>
  beneath({ root, path, upTo: 'target' }, async (found) => found.path);
const named = (root: string, path: string): Promise<string> =>
  beneath({ root, path, upTo: 'name' }, async (found) => found.path);
const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length;

describe('a guest’s path is resolved as its own kernel would:', () => {
  const cases: readonly [name: string, path: string, found: string][] = [
    ['a plain path', '/etc/hostname', 'etc/hostname'],
    ['an absolute link starts again at the root', '/lib/modules/6.1', 'usr/lib/modules/6.1'],
    ['a link that climbs above the root stays in it', '/var/out/hostname', 'etc/hostname'],
    ['a relative link', '/var/beside', 'etc/hostname'],
    [
      'links to links to folders in the middle',
      '/opt/twice/6.1/modules.dep',
      'usr/lib/modules/6.1/modules.dep',
    ],
    ['`..` above the root', '/../../../etc/hostname', 'etc/hostname'],
    ['`..` behind a link to a folder means the folder’s own parent', '/lib/../share', 'usr/share'],
    ['a dangling link names the place where its target would be', '/dangling', 'not/there'],
    ['a dangling link in the middle', '/dangling/x', 'not/there/x'],
    ['what is not there is appended as it is', '/etc/new/file', 'etc/new/file'],
    ['a link to the root itself', '/root/root/etc', 'etc'],
    ['empty parts and dots', '//etc/./hostname/', 'etc/hostname'],
    ['the root', '/', ''],
  ];
  for (const [name, path, found] of cases) {
    test(name, async () => {
      const root = await temporary(TREE);
      expect(await resolved(root, path)).toBe(`/${found}`);
    });
  }
});

test('the last link is left alone where it is asked for itself, those before it are not', async () => {
  const root = await temporary(TREE);
  expect(await named(root, '/dangling')).toBe('/dangling');
  expect(await named(root, '/root/var/beside')).toBe('/var/beside');
  expect(await named(root, '/loop/self')).toBe('/loop/self');
});

test.each(['/loop/a', '/loop/self', '/loop/b/more'])('the loop %s is refused', async (path) => {
  const root = await temporary(TREE);
  expect((await failureOf(resolved(root, path))).code).toBe('E_FILE_UNSAFE');
});

test('forty links are followed and one more is not, as the kernel does', async () => {
  const root = await temporary({ end: 'x' });
  const links = Array.from({ length: 41 }, (_, index) => [
    `l${index + 1}`,
    { link: index === 0 ? 'end' : `l${index}` },
  ]);
  await put(root, Object.fromEntries(links));
  expect(await resolved(root, '/l40')).toBe('/end');
  expect(sh('cat "$1/l40"', root)).toBe('x');
  expect((await failureOf(resolved(root, '/l41'))).code).toBe('E_FILE_UNSAFE');
  expect(() => sh('cat "$1/l41"', root)).toThrow('Too many levels');
});

test('a relative path is a mistake of the caller', async () => {
  const root = await temporary();
  await expect(resolved(root, 'etc')).rejects.toThrow('not an absolute path');
});

describe('of any tree of links', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const parts = fc.array(fc.oneof(name, fc.constantFrom('..', '.', '')), { minLength: 1, maxLength: 6 });
  const link = fc
    .tuple(fc.constantFrom('', '/', '/../', '../../../../'), parts)
    .map(([a, b]) => a + b.join('/'));
  const place = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
  const tree = fc.array(fc.tuple(place, link), { maxLength: 8 });

  /** Those of the links that make a tree: none in another's place, and above all none made through another. */
  const planted = (links: readonly (readonly [at: string, text: string])[]) =>
    links.filter(([at], index) =>
      links
        .slice(0, index)
        .every(([other]) => !`${at}/`.startsWith(`${other}/`) && !`${other}/`.startsWith(`${at}/`)),
    );

  /** The same meaning, told by names: right where nothing moves. */
  async function byNames(root: string, path: string): Promise<string | undefined> {
    const pending = path.split('/');
    const done: string[] = [];
    let links = 0;
    for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        done.pop();
        continue;
      }
      done.push(part);
      const place = join(root, ...done);
      const isLink = await lstat(place).then(
        (status) => status.isSymbolicLink(),
        () => false,
      );
      if (!isLink) continue;
      links += 1;
      if (links > 40) return undefined;
      const text = await readlink(place);
      if (posix.isAbsolute(text)) done.length = 0;
      else done.pop();
      pending.unshift(...text.split('/'));
    }
    return `/${done.join('/')}`;
  }

  test('the answer is that of the names, below the root, and what is open is what has that name', async () => {
    const base = await temporary();
    let count = 0;
    let existing = 0;
    const before = await descriptors();
    await fc.assert(
      fc.asyncProperty(tree, parts, async (links, path) => {
        count += 1;
        const root = join(base, String(count));
        await put(root, { keep: '' });
        for (const [at, text] of planted(links))
          await put(root, { [at]: { link: text === '' ? '.' : text } });
        const asked = `/${path.join('/')}`;
        const expected = await byNames(root, asked);
        const walk = beneath({ root, path: asked, upTo: 'target' }, async (found) => {
          if (found.place !== undefined) {
            existing += 1;
            expect(await realpath(`/proc/self/fd/${found.place}`)).toBe(
              join(root, found.path).replace(/\/$/, ''),
            );
          } else {
            await expect(stat(join(root, found.path))).rejects.toThrow();
          }
          return found.path;
        });
        if (expected === undefined) expect((await failureOf(walk)).code).toBe('E_FILE_UNSAFE');
        else expect(await walk).toBe(expected);
        if (expected !== undefined) expect(await named(root, `${asked}/..`)).toMatch(/^\//);
      }),
      { numRuns: 300 },
    );
    expect(existing).toBeGreaterThan(20);
    expect(await descriptors()).toBe(before);
  });
});

test('folders that are nested without end are refused, and no descriptor stays', async () => {
  const root = await temporary();
  sh('cd "$1"; i=0; while [ $i -lt 300 ]; do mkdir d; cd -P d; i=$((i+1)); done', root);
  const before = await descriptors();
  expect((await failureOf(resolved(root, '/d'.repeat(290)))).what).toContain('nested too deep');
  expect(await resolved(root, '/d'.repeat(150))).toBe('/d'.repeat(150));
  expect(await descriptors()).toBe(before);
});
