import { describe, expect, it } from 'vitest';
import { chosenModules, loadOrder } from '../../../lab/machine/initramfs.ts';

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

describe('chosenModules', () => {
  const index = 'kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2.ko\nkernel/fs/jbd2.ko:\n';

  it('takes the first that the kernel has, and leaves out what it may lack', () => {
    const wanted = [{ anyOf: ['crc32c_generic'], optional: true }, { anyOf: ['ext3', 'ext4'] }];
    expect(chosenModules(index, wanted)).toEqual(['ext4']);
  });

  it('refuses a kernel that lacks all of one', () => {
    expect(() => chosenModules(index, [{ anyOf: ['xfs', 'reiserfs'] }])).toThrow(
      'modules.dep does not list xfs or reiserfs',
    );
  });
});
