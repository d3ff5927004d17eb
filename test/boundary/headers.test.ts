import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { range } from '../helpers/attack.ts';
import { HEADERS } from '../helpers/buildable-guest.ts';

const { tree, build } = range();

describe('a device among the headers', () => {
  test('is not written by their Makefile, where they are used in their place', async () => {
    const { harm } = await build(tree('headers-device'));
    expect(harm).toEqual([]);
  });

  test('is not copied with them', async () => {
    const hostile = tree('headers-device');
    // An absolute link has the headers copied.
    execFileSync('ln', [
      '-s',
      `/${HEADERS}/include/generated`,
      join(hostile.root, HEADERS, 'include/config'),
    ]);
    const { harm } = await build(hostile);
    expect(harm).toEqual([]);
  });
});
