import { describe, expect, it } from 'vitest';
import { observe } from '../../../lab/systemd/observation.ts';

describe('observe', () => {
  it('counts what a console tells, also where the kernel writes into the guest’s lines', () => {
    const { line, result } = observe();
    for (const text of [
      'LAB kernel 6.1.0-56-amd64\r',
      'LAB srcversion 9CC4C6E3F8C8EE1BBE16D44\r',
      'LAB write 1 ok\r',
      '[    9.1] printk: LAB write 2 ok\r',
      '[   11.2] I/O error, dev sda, sector 2 op 0x1:(WRITE) flags 0x23800 phys_seg 1 prio class 2\r',
      '[   11.3] Aborting journal on device sda-8.\r',
      "LAB write 3 failed: dd: can't open '/disk/file3': Read-only file system\r",
      'LAB mount /dev/sda /disk ext4 rw,relatime,errors=remount-ro 0 0\r',
      'LAB watch after 10\r',
      'LAB watch sh-after 1\r',
      'LAB end\r',
    ])
      line(text);
    expect(result()).toEqual({
      kernel: '6.1.0-56-amd64',
      srcversion: '9CC4C6E3F8C8EE1BBE16D44',
      written: 2,
      lost: 1,
      ioErrors: 1,
      readOnly: true,
      mountLine: '/dev/sda /disk ext4 rw,relatime,errors=remount-ro 0 0',
      watches: { after: 10, 'sh-after': 1 },
      ended: true,
      failed: [],
    });
  });

  it('takes what the guest could not do as a failure of the lab, not as a result', () => {
    const { line, result } = observe();
    line('LAB failed: insmod mptsas.ko');
    expect(result().failed).toEqual(['LAB failed: insmod mptsas.ko']);
    expect(result().ended).toBe(false);
  });
});
