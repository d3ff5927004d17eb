import { describe, expect, it } from 'vitest';
import { observe } from '../../../lab/trial/observation.ts';

function seen(...lines: readonly string[]) {
  const { line, result } = observe();
  for (const text of lines) line(text);
  return result();
}

describe('observe', () => {
  it('reads what the guest tells through the kernel’s log', () => {
    expect(
      seen(
        '[    7.4] LAB kernel 6.1.0-56-amd64\r',
        '[    7.5] LAB srcversion 796B11C53F8FAFD3E404850\r',
        '[   14.9] LAB watch before 0\r',
        '[   16.0] LAB write 1 1584 1610 ok\r',
        '[   23.5] LAB write 2 2328 2346 failed: dd: /disk/file2: Input/output error\r',
        '[   40.1] LAB mount /dev/sda /disk ext4 rw,relatime,errors=remount-ro 0 0\r',
        '[   43.2] LAB watch after 1\r',
        '[   43.3] LAB read 1 different\r',
        '[   43.4] LAB read 7 unreadable\r',
        '[   46.1] LAB end\r',
      ),
    ).toEqual({
      kernel: '6.1.0-56-amd64',
      srcversion: '796B11C53F8FAFD3E404850',
      writes: [
        { number: 1, at: 15.84, seconds: expect.closeTo(0.26), ok: true },
        {
          number: 2,
          at: 23.28,
          seconds: expect.closeTo(0.18),
          ok: false,
          said: 'dd: /disk/file2: Input/output error',
        },
      ],
      ioErrors: 0,
      readOnly: false,
      mountLine: '/dev/sda /disk ext4 rw,relatime,errors=remount-ro 0 0',
      watches: { before: 0, after: 1 },
      guestDiffers: [1],
      guestUnreadable: [7],
      ended: true,
      failed: [],
    });
  });

  it.each([
    '[   23.4] I/O error, dev sda, sector 17450 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 2',
    'end_request: I/O error, dev sda, sector 4162',
    'Buffer I/O error on device sda, logical block 8725',
    '[   30.1] XFS (sda): log I/O error -5',
  ])('counts as an I/O error: %s', (line) => {
    expect(seen(line, line).ioErrors).toBe(2);
  });

  it.each([
    '[   24.0] Aborting journal on device sda-8.',
    'EXT3-fs error (device sda) in ext3_reserve_inode_write: Detected aborted journal',
    '[   24.1] EXT4-fs (sda): Remounting filesystem read-only',
    '[   30.1] XFS (sda): Filesystem has been shut down due to log error (0x2).',
  ])('sees that the file system takes no more writes: %s', (line) => {
    expect(seen(line).readOnly).toBe(true);
  });

  it('takes what the guest could not do as a failure of the lab, not as a result', () => {
    const { failed, ended } = seen('LAB failed: insmod mptsas.ko');
    expect([failed, ended]).toEqual([['LAB failed: insmod mptsas.ko'], false]);
  });
});
