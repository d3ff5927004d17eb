import { describe } from 'vitest';
import { endsInBounds, growsLinearly } from '../helpers/bounds.ts';

const CASES = new URL('hostile-archives.ts', import.meta.url);
const TOO_LARGE = 'E_ARCHIVE_UNSAFE: /file has files of more than 33554432 bytes together';

describe('a hostile archive is refused soon, and in little memory:', () => {
  endsInBounds(
    CASES,
    [
      ['driver files of 8 MB, by bzip2', 40, TOO_LARGE],
      ['driver files of 8 MB, by gzip', 40, TOO_LARGE],
      ['driver files of 8 MB, by xz', 40, TOO_LARGE],
      ['driver files of 8 MB, by zstd', 40, TOO_LARGE],
      ['small driver files', 20_000, 'E_ARCHIVE_UNSAFE: /file has more than 500 files'],
      ['empty entries', 80_000, '1 files'],
      ['empty entries', 260_000, 'E_ARCHIVE_UNSAFE: /file '],
      ['a large file', 300_000_000, 'E_ARCHIVE_UNSAFE: /file unpacks to more than 100 times its size'],
      ['long names', 20, 'E_ARCHIVE_UNSAFE: /file holds "linux-6.1/x'],
      ['long names in the driver', 20, 'E_ARCHIVE_UNSAFE: /file holds "linux-6.1/drivers'],
    ],
    { file: true },
  );
});

describe('twice the entries are no more than twice the steps:', () => {
  growsLinearly(CASES, [['empty entries', 3000]], { file: true });
});
