import { describe, expect, it } from 'vitest';
import { listedIndex, relativeIndex } from '../../../lab/legacy/tree.ts';
import { loadOrder } from '../../../lab/machine/initramfs.ts';

describe('relativeIndex', () => {
  it('takes the paths of module-init-tools below the folder, and leaves newer ones', () => {
    const old =
      '/lib/modules/2.6.18-8.el5/kernel/fs/ext3.ko: /lib/modules/2.6.18-8.el5/kernel/fs/jbd.ko\nkernel/a.ko:\n';
    expect(relativeIndex(old, '2.6.18-8.el5')).toBe('kernel/fs/ext3.ko: kernel/fs/jbd.ko\nkernel/a.ko:\n');
  });
});

describe('listedIndex', () => {
  it('knows what the modules of a kernel of 2.6 need, and leaves out what is built in', () => {
    const files = ['ext3', 'jbd', 'mptbase', 'mptsas', 'mptscsih', 'scsi_transport_sas', 'sd_mod'];
    const index = listedIndex(files.map((name) => `${name}.ko`));
    expect(loadOrder(index, ['sd_mod', 'mptsas', 'ext3'])).toEqual(
      ['sd_mod', 'scsi_transport_sas', 'mptbase', 'mptscsih', 'mptsas', 'jbd', 'ext3'].map(
        (name) => `${name}.ko`,
      ),
    );
  });

  it('finds packed modules, and those in folders', () => {
    const files = ['kernel/scsi/scsi_mod.ko.gz', 'kernel/scsi/sd_mod.ko.gz'];
    expect(loadOrder(listedIndex(files), ['sd_mod'])).toEqual(files);
  });
});
