import { describe } from 'vitest';
import { endsInBounds, growsLinearly } from '../helpers/bounds.ts';

const CASES = new URL('hostile-menus.ts', import.meta.url);
const NO_END = '0 edits /boot/grub/grub.cfg has a quote or a block that never ends';

describe('a hostile menu ends soon, and in little memory:', () => {
  // Twenty seconds: in that time what looks back takes a fraction of these texts, and what does not takes one.
  endsInBounds(
    CASES,
    [
      ['GRUB 2: many images in one command', 28_000, '1 edits'],
      ['GRUB 2: many commands on one line', 80_000, '1 edits'],
      ['GRUB 2: one long word', 1_000_000, '1 edits'],
      ['GRUB 2: one long quoted word', 500_000, '1 edits'],
      ['GRUB 2: a quote that never ends', 500_000, NO_END],
      ['GRUB 2: many entries', 15_000, '0 edits'],
      ['GRUB 2: many submenus', 80_000, NO_END],
      ['GRUB 2: many marks', 25_000, '0 edits'],
      ['GRUB 2: many blocks of ours', 20_000, '2 edits'],
      ['GRUB 2: numbers of the environment', 70_000, '0 edits'],
      ['GRUB legacy: blanks before a carriage return', 1_000_000, '0 edits'],
      ['GRUB legacy: many empty lines', 1_000_000, '0 edits'],
      ['GRUB legacy: many titles', 120_000, '0 edits'],
      ['BLS: blanks before a carriage return', 60_000, '0 edits'],
      ['BLS: blanks before a carriage return', 1_000_000, '0 edits /boot/loader/entries/a.conf is larger'],
      ['BLS: many entries', 500, '0 edits /boot/loader/entries/0.conf is larger than a boot menu can be'],
    ],
    { seconds: 20 },
  );
});

describe('twice the menu is no more than twice the steps:', () => {
  growsLinearly(CASES, [
    ['GRUB 2: many images in one command', 1000],
    ['GRUB 2: many commands on one line', 2000],
    ['GRUB 2: many blocks of ours', 1000],
    ['GRUB legacy: many titles', 5000],
  ]);
});
