import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { plainEntries } from '../../../src/kernel-source/xz/plain-entries.ts';
import { type Entries, sh, temporary } from '../../machine/temporary.ts';

const LONG = `a/${'long/'.repeat(30)}name.h`;
const TREE: Entries = {
  'a/empty': '',
  'a/file': 'x'.repeat(700),
  'a/link': { link: 'file' },
  [LONG]: 'deep\n',
  'b/goal': 'found\n',
  'c/behind': 'never asked for\n',
};

async function packed(options: string, entries: Entries = TREE): Promise<Buffer> {
  const folder = await temporary(entries);
  const path = `${await temporary()}/tar`;
  sh(`tar -C "$1" --sort=name ${options} -cf "$2" $(ls "$1")`, folder, path);
  return readFileSync(path);
}

/** Feeds a tar in pieces; answers the names that were passed over, and the offset from which on nothing was. */
function feed(tar: Buffer, piece: number): { names: string[]; from: number } {
  const names: string[] = [];
  const pass = plainEntries('t.tar', (name) => {
    const before = !name.startsWith('b/goal');
    if (before) names.push(name);
    return before;
  });
  const left: Buffer[] = [];
  for (let at = 0; at < tar.length; at += piece) left.push(pass(tar.subarray(at, at + piece)));
  const rest = Buffer.concat(left);
  const from = tar.length - rest.length;
  expect(rest.equals(tar.subarray(from))).toBe(true);
  return { names, from };
}

/** Where GNU tar begins the entry: for a long name that is the header in front of it. */
const offsetOf = (tar: Buffer, name: string): number => tar.indexOf(`${name}\0`);

describe.each([1, 100, 512, 1000, 100_000])('in pieces of %d bytes', (piece) => {
  test('what is before the goal is passed over, long names too, and all from the goal on is left', async () => {
    const tar = await packed('--format=gnu');
    const { names, from } = feed(tar, piece);
    expect(from).toBe(offsetOf(tar, 'b/goal'));
    expect(names.filter((name) => !name.endsWith('/'))).toEqual(['a/empty', 'a/file', 'a/link', LONG]);
    expect(names.at(-1)).toBe('b/');
  });

  test.each([
    ['a pax header', '--format=pax --pax-option=comment=x', TREE, 0],
    ['a link that leads out', '--format=gnu', { ...TREE, 'a/evil': { link: '../../etc' } }, 'a/evil'],
  ] as const)('%s is left to the parser, with all behind it', async (_, options, entries, where) => {
    const tar = await packed(options, entries);
    expect(feed(tar, piece).from).toBe(typeof where === 'number' ? where : offsetOf(tar, where));
  });

  test.each([
    ['a wrong checksum', (tar: Buffer, at: number) => tar.write('0000000', at + 148)],
    ['a size that is no number', (tar: Buffer, at: number) => tar.write('0000000000x', at + 124)],
    ['an unknown type', (tar: Buffer, at: number) => tar.write('Z', at + 156)],
  ])('%s is left to the parser', async (_, spoil) => {
    const tar = await packed('--format=gnu');
    const at = offsetOf(tar, 'a/file');
    spoil(tar, at);
    expect(feed(tar, piece).from).toBe(at);
  });
});
