import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isFailure } from '../../../src/errors.ts';
import type { Target } from '../../../src/machine/port.ts';
import { closeHosts, hostTarget } from '../../../src/machine/ssh/target.ts';
import { rootTarget } from '../../../src/machine/tree.ts';
import { type SshGuest, sshGuest } from '../../helpers/sshd.ts';

let guest: SshGuest;
beforeAll(async () => {
  guest = await sshGuest();
});
afterAll(async () => {
  await closeHosts();
  await guest.close();
});

const BOUNDS = { entries: 1000, bytes: 1_000_000, depth: 8 };
/** Few, so that links lead somewhere; some of which an ls or a shell makes something else. */
const name = fc.oneof(
  fc.constantFrom('a', 'b', 'c d', "e'f", '*', '.*', '.h', ' -> ', 'x\ny', 'é', '-l'),
  fc.constantFrom(
    'a\n',
    '.\n',
    '...',
    '-',
    '--',
    '?',
    '[a]',
    '\\',
    '$HOME',
    '`id`',
    '"q"',
    '~',
    ' b',
    'b ',
    'a -> b',
  ),
);
/** What an ls of the time shows as it is: a guest without readlink tells nothing else. A `?` may be any other character. */
const shown = name.filter((one) => /^[ ->@-~]+$/.test(one));
const entry = fc.oneof(
  fc.record({ type: fc.constant('file' as const), content: fc.string({ maxLength: 40 }) }),
  fc.record({ type: fc.constant('folder' as const) }),
  fc.record({
    type: fc.constant('link' as const),
    text: fc.oneof(
      shown,
      fc.tuple(shown, shown).map((parts) => parts.join('/')),
      shown.map((one) => `/tree/${one}`),
      shown.map((one) => `../${one}`),
      fc.constantFrom('.', '..', '/', '/nowhere', 'a/', '../../../../tree/a'),
    ),
  }),
);
const tree = fc.array(fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), entry), { maxLength: 14 });

/** Makes what can be made of it, and answers every path that was named. */
function make(
  entries: readonly (readonly [readonly string[], { type: string; content?: string; text?: string }])[],
) {
  const root = join(guest.tree, 'tree');
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  const paths = new Set(['/tree']);
  for (const [parts, one] of entries) {
    const path = `/tree/${parts.join('/')}`;
    paths.add(path);
    const real = join(guest.tree, path);
    try {
      if (one.type === 'folder') mkdirSync(real);
      if (one.type === 'file') writeFileSync(real, one.content ?? '');
      if (one.type === 'link') symlinkSync(one.text ?? '', real);
    } catch {
      // Its name is taken, or there is no such folder.
    }
  }
  return [...paths];
}

/** What a target says, or that it says nothing. */
async function said(act: () => Promise<unknown>): Promise<unknown> {
  try {
    return await act();
  } catch (error) {
    return isFailure(error) ? error.failure.code : (error as NodeJS.ErrnoException).code;
  }
}

const without = (status: Awaited<ReturnType<Target['stat']>>): unknown =>
  status === undefined
    ? undefined
    : { ...status, mtime: status.mtime.split('.')[0], size: status.type === 'file' ? status.size : 0 };

async function everything(one: Target, paths: readonly string[]): Promise<unknown> {
  const all: unknown[] = [];
  for (const path of paths) {
    const walked = async (): Promise<unknown> => {
      const entries: unknown[] = [];
      for await (const found of one.walk(path, BOUNDS))
        entries.push(
          found.type === 'file'
            ? { ...found, content: Buffer.concat([...found.content()]).toString() }
            : // An `ls` of 2003 does not tell it.
              { ...found, changed: undefined },
        );
      return entries;
    };
    const status = await said(async () => (await one.stat(path))?.type);
    all.push([
      path,
      await said(async () => without(await one.stat(path))),
      await said(async () => without(await one.lstat(path))),
      await said(() => one.readLink(path)),
      await said(() => one.realPath(path)),
      await said(() => one.list(path)),
      await said(() => one.readText(path, 1000)),
      status === 'file' ? await said(() => one.readRange(path, 3, 5)) : '',
      status === 'directory' ? await said(walked) : '',
    ]);
  }
  return all;
}

test.each([[['.h']], [['.*']], [['*']], [['.h', '*']], [['.*', 'a']], [[]]])(
  'the names of a folder of %j are those alone, asked one by one and asked beforehand',
  async (names) => {
    make(names.map((one) => [[one], { type: 'file' }]));
    const target = hostTarget(guest.host, guest.options, { dryRun: true });
    await closeHosts();
    expect(await target.list('/tree')).toEqual([...names].sort());
    await closeHosts();
    target.foresee?.({ names: ['/tree'] });
    expect(await target.list('/tree')).toEqual([...names].sort());
  },
);

test('a host and its tree say the same of any tree, asked one by one and asked beforehand', {
  timeout: 120_000,
}, async () => {
  const target = hostTarget(guest.host, guest.options, { dryRun: true });
  const asTree = rootTarget(guest.tree, { dryRun: true });
  await fc.assert(
    fc.asyncProperty(tree, async (entries) => {
      const paths = make(entries);
      const expected = await everything(asTree, paths);
      await closeHosts();
      expect(await everything(target, paths)).toEqual(expected);
      await closeHosts();
      const texts = paths.map((path) => ({ path, limit: 1000 }));
      target.foresee?.({ texts, names: paths, statuses: paths, places: paths });
      expect(await everything(target, paths)).toEqual(expected);
    }),
    { numRuns: 6 },
  );
});

test('a link whose text its ls does not show as it is leads nowhere else', async () => {
  make([]);
  symlinkSync('é', join(guest.tree, 'tree/link'));
  await closeHosts();
  const target = hostTarget(guest.host, guest.options, { dryRun: true });
  const asked = (): Promise<unknown>[] => [target.readLink('/tree/link'), target.realPath('/tree/link')];
  for (const one of asked()) await expect(one).rejects.toThrow('does not tell its text');
  target.foresee?.({ names: ['/tree'] });
  for (const one of asked()) await expect(one).rejects.toThrow('does not tell its text');
  await expect(target.walk('/tree', BOUNDS)[Symbol.asyncIterator]().next()).rejects.toThrow('its text');
});
