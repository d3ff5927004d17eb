import { expect, test } from 'vitest';
import { vermagicDifference } from '../../src/build/vermagic.ts';

test.each([
  ['2.6.15-28-686 SMP preempt 686 gcc-4.0', '2.6.15-28-686 SMP preempt 686 gcc-4.0', ''],
  [
    '2.6.9-34.EL gcc-3.2',
    '2.6.9-34.EL gcc-3.4',
    'it lacks gcc-3.4: the compiler: give the one of that kernel with --toolchain; it has gcc-3.2: the compiler: give the one of that kernel with --toolchain',
  ],
  [
    '2.6.9-34.EL 686 REGPARM gcc-3.4',
    '2.6.9-34.EL 686 REGPARM 4KSTACKS gcc-3.4',
    'it lacks 4KSTACKS: CONFIG_4KSTACKS (i386)',
  ],
  ['2.6.9-34.EL 686 gcc-3.4', '2.6.9-34.EL 686 REGPARM gcc-3.4', 'it lacks REGPARM: CONFIG_REGPARM (i386)'],
  [
    '2.6.9-34.EL 586 gcc-3.4',
    '2.6.9-34.EL 686 gcc-3.4',
    'it lacks 686: the processor (CONFIG_M…, i386): another flavour’s headers; it has 586: the processor (CONFIG_M…, i386): another flavour’s headers',
  ],
  [
    '2.6.9-prep SMP gcc-3.4',
    '2.6.9-34.ELsmp SMP gcc-3.4',
    'the release is 2.6.9-prep: the tree’s EXTRAVERSION is still -prep, as in Red Hat’s unpacked source; give --headers of the kernel’s -devel package',
  ],
  [
    '6.1.0-9-amd64 SMP mod_unload ',
    '6.1.0-9-amd64 SMP preempt mod_unload ',
    'it lacks preempt: CONFIG_PREEMPT: another flavour’s headers',
  ],
  ['6.1.0 SMP strange', '6.1.0 SMP', 'it has strange: another configuration'],
])('%j differs from %j by: %s', (mine, theirs, words) => {
  expect(vermagicDifference(mine, theirs)).toBe(words);
});
