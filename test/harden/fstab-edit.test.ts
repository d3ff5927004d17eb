import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFstab } from '../../src/guest/fstab.ts';
import { errorsOptionOf, withErrors } from '../../src/harden/fstab-edit.ts';

function edited(text: string): string {
  const entries = parseFstab(text).filter(({ options }) => errorsOptionOf(options) !== undefined);
  return withErrors(Buffer.from(text, 'latin1'), entries, 'remount-ro').toString('latin1');
}

describe('errors= in fstab', () => {
  test.each([
    ['/dev/sda1 / ext3 errors=continue 0 1\n', '/dev/sda1 / ext3 errors=remount-ro 0 1\n'],
    [
      '/dev/sda1\t/\text3\tdefaults,errors=panic,noatime\t0\t1',
      '/dev/sda1\t/\text3\tdefaults,errors=remount-ro,noatime\t0\t1',
    ],
    ['  /dev/sda1   /  ext3   errors=continue   ', '  /dev/sda1   /  ext3   errors=remount-ro   '],
    [
      '/dev/sda1 / ext3 errors=panic,errors=continue 0 1\r\n',
      '/dev/sda1 / ext3 errors=remount-ro,errors=remount-ro 0 1\r\n',
    ],
    ['/dev/sda1 / ext3 errors=continue\r\n', '/dev/sda1 / ext3 errors=remount-ro\r\n'],
    [
      '# / ext3 errors=continue 0 1\n/errors=continue /errors=continue ext3 errors=continue 0 1 # errors=continue\n',
      '# / ext3 errors=continue 0 1\n/errors=continue /errors=continue ext3 errors=remount-ro 0 1 # errors=continue\n',
    ],
    ['/dev/sda1 / ext3 defaults 0 1\n', '/dev/sda1 / ext3 defaults 0 1\n'],
  ])('%j', (text, wanted) => {
    expect(edited(text)).toBe(wanted);
  });

  test('every byte but the one option stays, whatever the bytes are', () => {
    const noise = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
      maxLength: 60,
    });
    fc.assert(
      fc.property(noise, noise, (before, after) => {
        const head = `${before.replaceAll('errors=', '')}\n`;
        const tail = `\n${after.replaceAll('errors=', '')}`;
        expect(edited(`${head}/dev/sdb1 /data ext4 noatime,errors=continue 0 2${tail}`)).toBe(
          `${head}/dev/sdb1 /data ext4 noatime,errors=remount-ro 0 2${tail}`,
        );
      }),
    );
  });
});
