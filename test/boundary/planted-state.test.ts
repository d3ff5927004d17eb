import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { range } from '../helpers/attack.ts';
import { RELEASE } from '../helpers/buildable-guest.ts';
import type { Trap } from '../helpers/hostile-tree.ts';
import { listing } from '../helpers/listing.ts';

const { tree, attack } = range();

/** Commands that only read, each with what it needs. */
const READING = [
  ['check'],
  ['plan', '--offline'],
  ['apply', '--dry-run', '--offline'],
  ['status'],
  ['rollback', '--dry-run'],
  ['diagnose'],
  ['recover'],
  ['harden'],
  ['harden', '--undo', '--dry-run'],
  ['watch', 'uninstall', '--dry-run'],
] as const;

const PLANTED: readonly Trap[] = [
  'open-image',
  'open-index-release',
  'open-index-option',
  'open-file',
  'open-mount',
  'open-superblock',
  'open-machine',
  'mounts',
];

const CHANGING = [
  ['harden', '--apply', 'errors=continue', 'timeout=60'],
  ['harden', '--undo'],
  ['harden', '--undo', '--force'],
  ['rollback'],
  ['watch', 'uninstall'],
];

describe('a state that somebody has planted in a tree, of runs that were interrupted:', () => {
  test('a command that reads puts nothing back and runs nothing of the tree', async () => {
    const { root } = tree(...PLANTED);
    const before = listing(root);
    for (const [command, ...words] of READING) {
      const kernel = command === 'watch' ? [] : ['--kernel', RELEASE];
      const { harm } = await attack([command, ...words, '--root', root, ...kernel]);
      expect([command, harm, listing(root)]).toEqual([command, [], before]);
    }
  });

  test('the program that would build its image runs only where an admin writes, and reaches nothing of the host', async () => {
    const { root } = tree('open-image');
    const { run, harm } = await attack(['rollback', '--root', root, '--yes']);
    expect(harm).toEqual([]);
    // It has run: that it reached nothing is not for want of trying.
    expect(run.stderr).toMatch(/E: reached:$/m);
    // What it has left behind would try again by now.
    await setTimeout(3500);
    expect((await attack(['status', '--root', root])).harm).toEqual([]);
  });

  test.each(['open-mount', 'open-superblock', 'open-machine'] as const)(
    'what it names of a machine is not the host’s (%s)',
    async (trap) => {
      const { root } = tree(trap, 'mounts');
      for (const words of CHANGING) {
        const { harm } = await attack([...words, '--root', root, '--yes']);
        expect([words, harm]).toEqual([words, []]);
      }
    },
  );

  test.each(['open-index-release', 'open-index-option'] as const)(
    'a kernel’s release that is none reaches no tool (%s)',
    async (trap) => {
      const { root } = tree(trap);
      for (const command of ['rollback', 'harden --undo']) {
        const { run, harm } = await attack([
          ...command.split(' '),
          '--root',
          root,
          '--kernel',
          RELEASE,
          '--yes',
        ]);
        expect([command, harm]).toEqual([command, []]);
        if (command === 'rollback')
          expect([run.status, run.stderr]).toEqual([3, expect.stringMatching(/E_STATE_UNSAFE/)]);
      }
    },
  );

  test('files that an undo writes lie in the tree, whatever links and steps up their names have', async () => {
    const { root } = tree('open-file');
    const { harm } = await attack(['rollback', '--root', root, '--kernel', RELEASE, '--yes', '--force']);
    expect(harm).toEqual([]);
  });
});
