import { describe, expect, it } from 'vitest';
import { loadOrder } from '../../../lab/machine/initramfs.ts';

describe('loadOrder', () => {
  const index = [
    'kernel/scsi/scsi_mod.ko: kernel/scsi/scsi_common.ko',
    'kernel/scsi/scsi_common.ko:',
    'kernel/scsi/sd_mod.ko.xz: kernel/lib/crc.ko kernel/scsi/scsi_mod.ko kernel/scsi/scsi_common.ko',
    'kernel/lib/crc.ko:',
    '',
  ].join('\n');

  it('puts what is needed first, and nothing twice', () => {
    expect(loadOrder(index, ['scsi_mod', 'sd_mod', 'crc'])).toEqual([
      'kernel/scsi/scsi_common.ko',
      'kernel/scsi/scsi_mod.ko',
      'kernel/lib/crc.ko',
      'kernel/scsi/sd_mod.ko.xz',
    ]);
  });

  it('refuses a module that the index does not know', () => {
    expect(() => loadOrder(index, ['sd'])).toThrow('modules.dep does not list sd');
  });
});
