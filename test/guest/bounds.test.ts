import { describe } from 'vitest';
import { endsInBounds, growsLinearly } from '../helpers/bounds.ts';

const CASES = new URL('hostile-files.ts', import.meta.url);
const NOT_DEPMODS = '1 problems: /lib/modules/6.1.0-9-amd64/modules.dep, entry 1, is not one of depmod’s';
const TOO_MANY = '1 problems: /lib/modules/6.1.0-9-amd64/modules.dep lists more than 100000 modules';

describe('a hostile file of a guest ends soon, and in little memory:', () => {
  endsInBounds(CASES, [
    ['fstab: slashes before a letter', 4_000_000, '1 entries'],
    ['fstab: many empty lines', 4_000_000, '0 entries'],
    ['fstab: blanks in one line', 4_000_000, '0 entries'],
    ['fstab: backslashes', 1_000_000, '1 entries'],
    ['mounts: optional fields', 2_000_000, '0 mounts'],
    ['mounts: many lines', 100_000, '100000 mounts'],
    ['mounts: many lines', 400_000, 'E_MOUNTS_UNKNOWN: /proc/1/mountinfo lists more than 110000 mounts'],
    ['mounts: options', 2_000_000, '1 mounts'],
    ['dpkg: many empty stanzas', 4_000_000, 'undefined, 0 open'],
    ['dpkg: a long version', 10_000_000, 'undefined, 0 open'],
    ['dpkg: many versions', 4_000_000, 'undefined, 0 open'],
    ['dpkg: a long state', 4_000_000, 'undefined, 0 open'],
    ['os-release: a long line', 2_000_000, 'unknown'],
    ['os-release: a long version', 200_000, 'unknown'],
    [
      'modules.dep: what a module needs',
      1000,
      '1 problems: /lib/modules/6.1.0-9-amd64/modules.dep lists 1000',
    ],
    ['modules.dep: what a module needs', 700_000, TOO_MANY],
    ['modules.dep: many empty lines', 8_000_000, '0 problems'],
    ['modules.dep: colons', 1_000_000, NOT_DEPMODS],
    ['modules.dep: blanks', 8_000_000, NOT_DEPMODS],
    ['modules.dep: words', 4_000_000, NOT_DEPMODS],
    ['modules.dep: dots', 2_000_000, NOT_DEPMODS],
    ['modules.dep: many modules', 700_000, TOO_MANY],
    [
      'modules.dep: wrapped lines',
      3_000_000,
      '1 problems: /lib/modules/6.1.0-9-amd64/modules.dep does not list',
    ],
    ['modules.dep of an image: empty lines', 8_000_000, '0 paths'],
  ]);
});

describe('twice the file is no more than twice the steps:', () => {
  growsLinearly(CASES, [
    ['mounts: many lines', 3000],
    ['modules.dep: many modules', 3000],
  ]);
});
