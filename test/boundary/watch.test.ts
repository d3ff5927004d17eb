import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { range } from '../helpers/attack.ts';
import { listing } from '../helpers/listing.ts';

const { victim, tree, attack } = range();

test('a look at a tree calls nobody and runs nothing that the tree names', async () => {
  const { root } = tree('watch-config', 'mounts');
  for (const words of [['once'], ['once', '--nagios'], ['once', '--verbose', '--json']]) {
    const before = listing(root, { without: ['run'] });
    const { run, harm } = await attack(['watch', ...words, '--root', root]);
    // What there is to tell stays to be told.
    expect([harm, run.status]).toEqual([[], words.includes('--nagios') ? 2 : 10]);
    expect(listing(root, { without: ['run'] })).toEqual(before);
  }
});

test('an address on the command line changes none of that', async () => {
  const { root } = tree('watch-config', 'mounts');
  rmSync(join(root, 'run'), { recursive: true });
  const { harm } = await attack([
    'watch',
    'once',
    '--root',
    root,
    '--prometheus',
    join(victim().base, 'metrics'),
  ]);
  expect(harm).toEqual([]);
  expect(existsSync(join(victim().base, 'metrics'))).toBe(true);
  expect(readFileSync(join(victim().base, 'metrics'), 'utf8')).not.toContain('\u001b');
});

test('no test mail goes where the tree says', async () => {
  const { root } = tree('watch-config', 'mounts');
  const { harm } = await attack(['watch', 'test-mail', '--root', root]);
  expect(harm).toEqual([]);
});
