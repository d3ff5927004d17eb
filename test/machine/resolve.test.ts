import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resolveInRoot } from '../../src/machine/resolve.ts';
import { type Entries, put, sh, temporary } from './temporary.ts';

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
      expect(await resolveInRoot(root, path)).toBe(join(root, found));
    });
  }
});

test('the last link is left alone where it is asked for itself, those before it are not', async () => {
  const root = await temporary(TREE);
  expect(await resolveInRoot(root, '/dangling', false)).toBe(join(root, 'dangling'));
  expect(await resolveInRoot(root, '/root/var/beside', false)).toBe(join(root, 'var/beside'));
  expect(await resolveInRoot(root, '/loop/self', false)).toBe(join(root, 'loop/self'));
});

test.each(['/loop/a', '/loop/self', '/loop/b/more'])('the loop %s ends with ELOOP', async (path) => {
  const root = await temporary(TREE);
  await expect(resolveInRoot(root, path)).rejects.toMatchObject({ code: 'ELOOP' });
});

test('forty links are followed and one more is not, as the kernel does', async () => {
  const root = await temporary({ end: 'x' });
  const links = Array.from({ length: 41 }, (_, index) => [
    `l${index + 1}`,
    { link: index === 0 ? 'end' : `l${index}` },
  ]);
  await put(root, Object.fromEntries(links));
  expect(await resolveInRoot(root, '/l40')).toBe(join(root, 'end'));
  expect(sh('cat "$1/l40"', root)).toBe('x');
  await expect(resolveInRoot(root, '/l41')).rejects.toMatchObject({ code: 'ELOOP' });
  expect(() => sh('cat "$1/l41"', root)).toThrow('Too many levels');
});

test('a relative path is a mistake of the caller', async () => {
  const root = await temporary();
  await expect(resolveInRoot(root, 'etc')).rejects.toThrow('not an absolute path');
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

  test('the answer is below the root, and has no link left that this machine would follow', async () => {
    const base = await temporary();
    let count = 0;
    await fc.assert(
      fc.asyncProperty(tree, parts, async (links, path) => {
        count += 1;
        const root = join(base, String(count));
        await put(root, { keep: '' });
        for (const [at, text] of planted(links))
          await put(root, { [at]: { link: text === '' ? '.' : text } });
        const answer = await resolveInRoot(root, `/${path.join('/')}`).catch((error: unknown) => error);
        if (answer instanceof Error) {
          expect(answer).toMatchObject({ code: 'ELOOP' });
          return;
        }
        expect(answer === root || String(answer).startsWith(`${root}/`)).toBe(true);
        const real = await realpath(String(answer)).catch(() => undefined);
        if (real !== undefined) expect(real).toBe(answer);
      }),
      { numRuns: 200 },
    );
  });
});
