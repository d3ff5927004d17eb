import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runDepmod } from '../../src/install/depmod.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { listing } from '../helpers/listing.ts';
import { failureOf, temporary } from '../machine/temporary.ts';

const RELEASE = '6.1.0-test';
const PLACE = `lib/modules/${RELEASE}`;
const NAMES = ['modules.dep', 'modules.dep.bin', 'modules.alias', 'modules.alias.bin', 'modules.symbols'];

const open = (root: string) => rootTarget(root, { dryRun: false });

test('the index of a tree is rebuilt in the tree', async () => {
  const root = await temporary({ [`${PLACE}/modules.order`]: '', [`${PLACE}/modules.builtin`]: '' });
  await runDepmod(open(root), RELEASE);
  expect(await readdir(join(root, PLACE))).toEqual(expect.arrayContaining(NAMES));
});

describe('of links that lead out of the tree, none is followed:', () => {
  const made = { 'modules.dep': 'theirs', 'modules.alias': 'theirs', 'other/file': 'x' };

  test('those in the place of the index’s files', async () => {
    const [root, victim] = [await temporary({ [`${PLACE}/modules.order`]: '' }), await temporary(made)];
    for (const name of [...NAMES, 'modules.dep.temp', 'modules.alias.temp'])
      await symlink(join(victim, name), join(root, PLACE, name));
    const before = listing(victim);
    await runDepmod(open(root), RELEASE);
    expect(listing(victim)).toEqual(before);
    expect(await readFile(join(root, PLACE, 'modules.dep'), 'utf8')).toBe('');
  });

  test.each([
    ['the kernel’s own folder', PLACE],
    ['the folder of all kernels', 'lib/modules'],
    ['/lib', 'lib'],
  ])('that in the place of %s', async (_, name) => {
    const victim = await temporary({ ...made, [`${RELEASE}/x`]: '', [`modules/${RELEASE}/x`]: '' });
    const before = listing(victim);
    for (const text of [victim, `../../../../../../..${victim}`]) {
      const root = await temporary();
      await mkdir(join(root, 'lib/modules'), { recursive: true });
      await rm(join(root, name), { recursive: true, force: true });
      await symlink(text, join(root, name));
      expect((await failureOf(runDepmod(open(root), RELEASE))).code).toBe('E_INSTALL');
      expect(listing(victim)).toEqual(before);
    }
  });

  test('modules of this machine’s that a link shows are not taken for the guest’s', async () => {
    const root = await temporary({ [`${PLACE}/modules.order`]: '' });
    const victim = await temporary();
    execFileSync('cp', ['/bin/true', join(victim, 'secret.ko')]);
    await symlink(victim, join(root, PLACE, 'kernel'));
    await runDepmod(open(root), RELEASE);
    expect(await readFile(join(root, PLACE, 'modules.dep'), 'utf8')).toBe('');
  });
});
