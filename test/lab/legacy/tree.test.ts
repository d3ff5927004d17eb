import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { listedIndex, makeLegacyTree, relativeIndex } from '../../../lab/legacy/tree.ts';
import { loadOrder } from '../../../lab/machine/initramfs.ts';
import { localTarget } from '../../../src/machine/tree.ts';
import { AFFECTED, FIXED, moduleBytes } from '../../build/module-fixture.ts';

const RELEASE = '2.6.18-8.el5';
const vermagic = `${RELEASE} SMP mod_unload gcc-4.1`;
let affected: Uint8Array;
let patched: Uint8Array;
let another: Uint8Array;
beforeAll(async () => {
  affected = await moduleBytes({ ...AFFECTED, vermagic });
  patched = await moduleBytes({ ...FIXED, vermagic });
  another = await moduleBytes({ ...FIXED, vermagic: vermagic.replace('-8', '-9') });
});

describe('makeLegacyTree', () => {
  /** A kernel's folder with its own driver, and a driver's file. */
  function given(own: Uint8Array, driver: Uint8Array) {
    const folder = mkdtempSync('/var/tmp/mptfix-legacy-');
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const modules = join(folder, 'given');
    mkdirSync(join(modules, 'kernel/fusion'), { recursive: true });
    writeFileSync(join(modules, 'kernel/fusion/mptscsih.ko'), own);
    writeFileSync(join(folder, 'mptscsih.ko'), driver);
    const make = () =>
      makeLegacyTree(localTarget({ dryRun: false }), join(folder, 'guest'), {
        modules,
        driver: join(folder, 'mptscsih.ko'),
      });
    const index = (): string =>
      readFileSync(join(folder, `guest/lib/modules/${RELEASE}/modules.dep`), 'utf8');
    return { folder, modules, make, index };
  }

  it('takes the folder of a kernel, whose release the driver tells', async () => {
    const { folder, modules, make, index } = given(affected, patched);
    writeFileSync(
      join(modules, 'modules.dep'),
      `/lib/modules/${RELEASE}/kernel/fusion/mptscsih.ko: /lib/modules/${RELEASE}/kernel/a.ko\n`,
    );
    expect(await make()).toEqual({ guest: join(folder, 'guest'), release: RELEASE, architecture: 'x86_64' });
    expect(index()).toBe('kernel/fusion/mptscsih.ko: kernel/a.ko\n');
  });

  it('makes an index where there is none, and does not write through a link', async () => {
    const { folder, modules, make, index } = given(affected, patched);
    const outside = join(folder, 'outside');
    writeFileSync(outside, 'kernel/fusion/mptscsih.ko:\n');
    symlinkSync(outside, join(modules, 'modules.dep'));
    await make();
    expect(index()).toBe('kernel/fusion/mptscsih.ko:\n');
    expect(lstatSync(join(folder, `guest/lib/modules/${RELEASE}/modules.dep`)).isFile()).toBe(true);
    expect(readFileSync(outside, 'utf8')).toBe('kernel/fusion/mptscsih.ko:\n');
  });

  it.each([
    [
      'the two drivers in each other’s place',
      () => [patched, affected],
      /own driver.* is branch-absent, not affected/,
    ],
    ['the shipped driver once more', () => [affected, affected], /is affected, not branch-absent/],
    [
      'a driver of another kernel',
      () => [affected, another],
      /is for “2\.6\.18-9\.el5 .*folder’s driver for “2\.6\.18-8/,
    ],
  ] as const)('refuses %s', async (_, drivers, message) => {
    const [own, driver] = drivers();
    await expect(given(own ?? affected, driver ?? affected).make()).rejects.toThrow(message);
  });

  it('refuses a folder without the driver', async () => {
    const { modules, make } = given(affected, patched);
    rmSync(join(modules, 'kernel'), { recursive: true });
    await expect(make()).rejects.toThrow(/there is no mptscsih\.ko below/);
  });
});

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
