import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isFailure } from '../../src/errors.ts';
import { type EntryNames, tarCollector, unsafeEntry } from '../../src/kernel-source/tar-collector.ts';
import { FUSION, pack, TOP, text } from './xz/packed-tree.ts';

const TREE = {
  [`${FUSION}/mptbase.c`]: 'base\n',
  [`${FUSION}/mptscsih.c`]: text('driver', 5000),
  [`${TOP}/zz`]: 'z',
};

test('a reader that stops within a file gets what came before it, and none of that file', async () => {
  const tar = readFileSync(await pack(TREE));
  const names: string[] = [];
  const collector = tarCollector('linux.tar', { onEntry: (name) => names.push(name) });
  expect(collector.write(tar.subarray(0, tar.indexOf('driver, line 50 ')))).toBe(true);
  expect([...collector.end(true).files.keys()]).toEqual(['mptbase.c']);
  expect(names.slice(-2)).toEqual([`${FUSION}/mptbase.c`, `${FUSION}/mptscsih.c`]);
});

test('for one that did not stop of its own, the archive is cut', async () => {
  const tar = readFileSync(await pack(TREE));
  const collector = tarCollector('linux.tar');
  collector.write(tar.subarray(0, tar.indexOf('driver, line 50 ')));
  expect(() => collector.end()).toThrow('linux.tar is cut short or damaged');
});

const file = (path: string): EntryNames => ({ path, type: 'File' });
const link = (path: string, linkpath: string): EntryNames => ({ path, type: 'SymbolicLink', linkpath });
const hard = (path: string, linkpath: string): EntryNames => ({ path, type: 'Link', linkpath });

describe('an entry is refused for', () => {
  const hostile: readonly [why: string, entry: EntryNames, says: string][] = [
    ['an absolute name', file('/etc/passwd'), 'an absolute name'],
    ['an absolute name of many slashes', file('///x'), 'an absolute name'],
    ['a name that climbs', file('../x'), 'a name that leads out'],
    ['a name that climbs later', file('linux/../../x'), 'a name that leads out'],
    ['a name that climbs and comes back', file('linux/../linux/x'), 'a name that leads out'],
    ['a name that is the folder above', file('..'), 'a name that leads out'],
    ['a folder above', { path: '../', type: 'Directory' }, 'a name that leads out'],
    ['a name with a NUL byte', file('linux/x\0.c'), 'a NUL byte'],
    ['an absolute symbolic link', link('linux/x', '/etc'), 'a symbolic link'],
    ['a symbolic link out', link('linux/x', '../../etc'), 'a symbolic link'],
    ['a symbolic link out of the top', link('x', '..'), 'a symbolic link'],
    ['a symbolic link that descends first', link('x', 'a/../../b'), 'a symbolic link'],
    ['an absolute hard link', hard('linux/x', '/etc/shadow'), 'a hard link'],
    ['a hard link out', hard('linux/x', '../shadow'), 'a hard link'],
    ['a character device', { path: 'linux/x', type: 'CharacterDevice' }, 'a device or pipe'],
    ['a block device', { path: 'linux/x', type: 'BlockDevice' }, 'a device or pipe'],
    ['a pipe', { path: 'linux/x', type: 'FIFO' }, 'a device or pipe'],
  ];
  for (const [why, entry, says] of hostile) {
    test(why, () => {
      const error = unsafeEntry('/tmp/linux.tar', entry);
      expect(isFailure(error) && error.failure.code).toBe('E_ARCHIVE_UNSAFE');
      expect(error?.message).toContain(says);
      expect(error?.message).toContain('/tmp/linux.tar');
    });
  }
});

describe('what a kernel’s source holds is harmless:', () => {
  test.each([
    file('linux-6.1/Makefile'),
    file('./linux-6.1/drivers/message/fusion/mptscsih.c'),
    file('linux/a..b/..c/d..'),
    file('linux/...'),
    { path: 'linux/', type: 'Directory' },
    link('linux/include/asm', 'asm-x86'),
    link('linux/tools/a/b', '../../include/x'),
    hard('linux/x', 'linux/y'),
  ])('$path $type $linkpath', (entry) => {
    expect(unsafeEntry('a', entry)).toBe(undefined);
  });
});

test('control characters of a hostile name do not reach the terminal, and it is cut short', () => {
  const message = unsafeEntry('a', file(`/\u001B[2J\r\n${'x'.repeat(500)}`))?.message ?? '';
  expect([message.includes('\u001B'), message.includes('\n'), message.length < 300]).toEqual([
    false,
    false,
    true,
  ]);
});

describe('whatever the name,', () => {
  const part = fc.oneof(
    fc.constantFrom('..', '.', '', 'a', 'linux', '...', '..a'),
    fc.string({ maxLength: 4 }),
  );
  const path = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'));

  const inside = fc
    .array(fc.constantFrom('a', 'linux', '..a'), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join('/'));

  test('an entry that is not refused stays below the folder that it is unpacked to', () => {
    fc.assert(
      fc.property(path, (name) => {
        if (unsafeEntry('a', file(name)) !== undefined) return;
        const where = posix.resolve('/base', name);
        expect(where === '/base' || where.startsWith('/base/')).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('so does what a link that is not refused leads to', () => {
    fc.assert(
      fc.property(inside, path, fc.constantFrom('Link', 'SymbolicLink'), (name, linkpath, type) => {
        if (unsafeEntry('a', { path: name, type, linkpath }) !== undefined) return;
        const from = type === 'Link' ? '/base' : posix.dirname(posix.join('/base', name));
        const where = posix.resolve(from, linkpath);
        expect(where === '/base' || where.startsWith('/base/')).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
