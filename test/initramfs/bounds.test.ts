import { describe } from 'vitest';
import { endsInBounds, growsLinearly } from '../helpers/bounds.ts';

const CASES = new URL('hostile-images.ts', import.meta.url);
const DAMAGED = 'E_INITRAMFS: /file cannot be read as an initramfs, at offset 0: ';
const NO_MODULE = 'E_CANNOT_DECIDE: this file cannot be read as a kernel module';

describe('a hostile image ends soon, and in little memory:', () => {
  endsInBounds(
    CASES,
    [
      ['hard links of one file', 200_000, '200000 names'],
      ['hard links of one file', 260_000, `${DAMAGED}more than 250000 entries`],
      ['hard links of one module, the content at the end', 20, NO_MODULE],
      [
        'hard links of one module, the content at the end',
        60_000,
        `${DAMAGED}more than 32 modules of one name`,
      ],
      ['hard links of one module, the content in each', 20, NO_MODULE],
      ['hard links of one module, the content in each', 60_000, `${DAMAGED}more than 32 modules of one name`],
      ['names of 4,000 bytes', 5000, '5000 names'],
      ['names of 4,000 bytes', 60_000, `${DAMAGED}more than 33554432 bytes of names`],
      ['links with texts of 4,000 bytes', 60_000, `${DAMAGED}more than 33554432 bytes of names`],
      ['modules of 16 MiB each', 20, DAMAGED],
      ['modules that each unpack to 60 MiB', 20, 'E_INITRAMFS: /file holds more of mptscsih than any image'],
      ['an index of empty lines', 8_000_000, '1 names'],
      ['an index of empty lines', 60_000_000, 'E_INITRAMFS: /file holds more of the module index'],
      [
        'parts, plain and packed in turn',
        300,
        'E_INITRAMFS: /file cannot be read as an initramfs, at offset',
      ],
      [
        'zeros that are packed a thousandfold',
        300_000_000,
        `${DAMAGED}it decompresses to more than 100 times`,
      ],
    ],
    { file: true },
  );
});

describe('twice the entries are no more than twice the steps:', () => {
  growsLinearly(
    CASES,
    [
      ['hard links of one file', 3000],
      ['names of 4,000 bytes', 1500],
    ],
    { file: true },
  );
});
