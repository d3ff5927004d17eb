import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tarCollector } from '../../src/kernel-source/tar-collector.ts';
import { FUSION, pack, TOP, text } from './xz/packed-tree.ts';

const TREE = {
  [`${FUSION}/mptbase.c`]: 'base\n',
  [`${FUSION}/mptscsih.c`]: text('driver', 5000),
  [`${TOP}/zz`]: 'z',
};

test('a reader that stops within a file gets what came before it, and none of that file', async () => {
  const tar = readFileSync(await pack(TREE));
  const names: string[] = [];
  const collector = tarCollector('linux.tar', (name) => names.push(name));
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
