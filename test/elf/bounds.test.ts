import { describe } from 'vitest';
import { endsInBounds, growsLinearly } from '../helpers/bounds.ts';

const CASES = new URL('hostile-modules.ts', import.meta.url);
const REFUSED = 'E_CANNOT_DECIDE: this file cannot be read as a kernel module: ';
const TOO_BIG = `${REFUSED}decompressed it has more than 64 MiB`;

describe('a hostile module ends soon, and in little memory:', () => {
  endsInBounds(CASES, [
    ['functions of one name', 50_000, '0 changed'],
    ['functions that are all of the code', 500, `${REFUSED}it has more code than this driver ever had`],
    ['a function with many relocations', 40_000, '0 changed'],
    ['branches among many functions', 50_000, '0 changed'],
    ['texts without an end', 200, `${REFUSED}its texts are impossibly long`],
    ['one table of relocations for many sections', 40, `${REFUSED}.t`],
    ['many sections', 30_000, '0 differ'],
    ['sections of one name', 30_000, '0 differ'],
    ['labels behind the functions', 50_000, '0 changed'],
    ['features of many sections', 30_000, '7'],
    ['branches to be given another type', 100_000, '100000 edited'],
    ['many symbols', 100_000, '100001'],
    ['symbols with the same long name', 5000, `${REFUSED}the names of its symbols are impossibly long`],
    ['modinfo of many texts', 4_000_000, '1'],
    ['modinfo of many texts', 5_000_000, `${REFUSED}a section of texts has an impossible size`],
    ['versions of many symbols', 200_000, `${REFUSED}its __versions table has an impossible size`],
    ['exports of many symbols', 100_000, '100000'],
    ['notes without content', 1_000_000, 'undefined'],
    ['packed with gzip', 200_000_000, TOO_BIG],
    ['packed with bzip2', 200_000_000, TOO_BIG],
    ['packed with lzma', 200_000_000, TOO_BIG],
    ['packed with xz', 200_000_000, TOO_BIG],
    ['packed with xz, in two streams', 200_000_000, TOO_BIG],
    ['packed with zstd', 200_000_000, TOO_BIG],
    ['packed with lz4', 200_000_000, TOO_BIG],
  ]);
});

describe('twice the module is no more than twice the steps:', () => {
  growsLinearly(CASES, [
    ['functions of one name', 2000],
    ['a function with many relocations', 2000],
    ['branches among many functions', 2000],
    ['many sections', 1000],
    ['sections of one name', 1000],
    ['labels behind the functions', 2000],
    ['features of many sections', 1000],
    ['branches to be given another type', 5000],
    ['exports of many symbols', 5000],
  ]);
});
