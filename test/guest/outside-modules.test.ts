import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configured, outsideModules } from '../../src/guest/outside-modules.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { type Entries, temporary } from '../machine/temporary.ts';

const RELEASE = '2.6.18-8.el5';
const MODULES = `lib/modules/${RELEASE}`;
const NAMES = ['mptscsih', 'mptscsi'];

const look = async (entries: Entries) =>
  outsideModules(
    rootTarget(await temporary(entries), { dryRun: true }),
    { release: RELEASE, running: null },
    NAMES,
  );

/** A module tree without the driver. */
const OTHERS: Entries = { [`${MODULES}/kernel/drivers/scsi/sd_mod.ko`]: 'x' };
const config = (...lines: readonly string[]): Entries => ({
  [`boot/config-${RELEASE}`]: ['CONFIG_PCI=y', 'CONFIG_SCSI=y', ...lines, ''].join('\n'),
});
const map = (...names: readonly string[]): Entries => ({
  [`boot/System.map-${RELEASE}`]: names.map((name) => `ffffffff80200000 ${name}\n`).join(''),
});
const START = 'T start_kernel';

describe('where a kernel has a driver that is no module of it:', () => {
  test.each<readonly [string, Entries, string]>([
    [
      'a list with it',
      { [`${MODULES}/modules.builtin`]: 'kernel/drivers/message/fusion/mptscsih.ko\n' },
      'built-in',
    ],
    [
      'RHEL 4’s name',
      { [`${MODULES}/modules.builtin`]: 'kernel/drivers/message/fusion/mptscsi.ko\n' },
      'built-in',
    ],
    [
      'a list without it',
      { ...OTHERS, [`${MODULES}/modules.builtin`]: 'kernel/fs/ext4/ext4.ko\nkernel/xmptscsi.ko\n' },
      'nowhere',
    ],
    ['an empty list', { ...OTHERS, [`${MODULES}/modules.builtin`]: '' }, 'unknown'],
    ['a list and no modules', { [`${MODULES}/modules.builtin`]: 'kernel/fs/ext4/ext4.ko\n' }, 'unknown'],
    [
      'a list outranks a configuration',
      {
        ...OTHERS,
        ...config('CONFIG_FUSION_SPI=y'),
        [`${MODULES}/modules.builtin`]: 'kernel/fs/ext4/ext4.ko\n',
      },
      'nowhere',
    ],
    [
      'a configuration with it',
      { ...OTHERS, ...config('CONFIG_FUSION=y', 'CONFIG_FUSION_SPI=y') },
      'built-in',
    ],
    [
      'one that has it as a module, which is gone',
      { ...OTHERS, ...config('CONFIG_FUSION=y', 'CONFIG_FUSION_SPI=m') },
      'nowhere',
    ],
    [
      'one that has it as a module, and no modules',
      config('CONFIG_FUSION=y', 'CONFIG_FUSION_SPI=m'),
      'unknown',
    ],
    ['one without it', config('# CONFIG_FUSION is not set'), 'nowhere'],
    ['one that was cut off before it', { ...OTHERS, ...config() }, 'unknown'],
    [
      'one beside the modules',
      { ...OTHERS, [`${MODULES}/config`]: '# CONFIG_FUSION is not set\n' },
      'nowhere',
    ],
    ['one of the build folder', { ...OTHERS, [`${MODULES}/build/.config`]: 'CONFIG_FUSION=y\n' }, 'built-in'],
    ['one of another kernel', { ...OTHERS, 'boot/config-2.6.18-9.el5': 'CONFIG_FUSION=y\n' }, 'unknown'],
    ['a map with it', { ...OTHERS, ...map(START, 't mptscsih_io_done') }, 'built-in'],
    [
      'a map without it',
      { ...OTHERS, ...map(START, 't xmptscsih_io_done', 'T mptscsih_io_done_x') },
      'nowhere',
    ],
    ['a map without it, and no modules', map(START), 'unknown'],
    [
      'a map that only leads elsewhere',
      { ...OTHERS, ...map('B The real System.map is in the package linux-image-dbg') },
      'unknown',
    ],
    ['nothing at all', {}, 'unknown'],
    ['modules alone', OTHERS, 'unknown'],
    [
      'an index that lists what is gone',
      {
        ...OTHERS,
        ...config('CONFIG_FUSION_SPI=m'),
        [`${MODULES}/modules.dep`]: 'kernel/drivers/message/fusion/mptscsih.ko:\n',
      },
      'nowhere',
    ],
  ])('%s', async (_, entries, place) => {
    expect((await look(entries)).place).toBe(place);
  });

  test('what tells is named, and what was looked for where nothing does', async () => {
    expect((await look(map(START, 'T mptscsih_io_done'))).file).toBe(`/boot/System.map-${RELEASE}`);
    expect((await look(OTHERS)).detail).toContain(`no /boot/config-${RELEASE}`);
    expect((await look(OTHERS)).file).toBe(undefined);
    const stale = { [`${MODULES}/modules.dep`]: 'kernel/drivers/message/fusion/mptscsih.ko:\n' };
    expect((await look({ ...OTHERS, ...stale, ...config('CONFIG_FUSION_SPI=m') })).detail).toMatch(
      /modules\.dep lists \S+mptscsih\.ko, and there is no such file$/,
    );
  });

  test('the configuration of the running kernel counts on this machine only', async () => {
    const target = rootTarget(
      await temporary({ ...OTHERS, 'proc/config.gz': gzipSync('CONFIG_FUSION=y\n') }),
      { dryRun: true },
    );
    const place = async (kind: 'local' | 'root', running: boolean | null) =>
      (await outsideModules({ ...target, kind }, { release: RELEASE, running }, NAMES)).place;
    expect(await place('local', true)).toBe('built-in');
    expect(await place('local', false)).toBe('unknown');
    expect(await place('root', true)).toBe('unknown');
  });
});

describe('a configuration says', () => {
  test.each([
    // Until 2.6.12 FUSION is the driver.
    ['CONFIG_FUSION=y\nCONFIG_FUSION_MAX_SGE=40\n', 'built-in'],
    ['CONFIG_FUSION=m\nCONFIG_FUSION_CTL=m\n', 'module'],
    // From then on it is a menu.
    [
      'CONFIG_FUSION=y\n# CONFIG_FUSION_SPI is not set\n# CONFIG_FUSION_FC is not set\nCONFIG_FUSION_SAS=m\n',
      'module',
    ],
    [
      'CONFIG_FUSION=y\n# CONFIG_FUSION_SPI is not set\n# CONFIG_FUSION_FC is not set\n# CONFIG_FUSION_SAS is not set\n',
      'not-made',
    ],
    ['CONFIG_FUSION_SPI=m\nCONFIG_FUSION_FC=y\n', 'built-in'],
    ['# CONFIG_FUSION is not set\r\n', 'not-made'],
    ['# CONFIG_SCSI is not set\n', 'not-made'],
    ['# CONFIG_PCI is not set\n', 'not-made'],
    ['CONFIG_PCI=y\nCONFIG_SCSI=y\n', undefined],
    ['CONFIG_FUSIONX=y\nXCONFIG_FUSION=y\nCONFIG_FUSION_SPI_X=y\n', undefined],
    ['', undefined],
  ])('%j: %s', (text, says) => {
    expect(configured(text)).toBe(says);
  });

  test('the same in any order, among any other lines', () => {
    const other = fc.stringMatching(/^(CONFIG_[A-EG-Z]{3,9}=[ym]|# CONFIG_[A-EG-Z]{4,9} is not set|#|)$/);
    const own = fc.constantFrom(
      ['CONFIG_FUSION=y', 'CONFIG_FUSION_SPI=m'],
      ['CONFIG_FUSION=m'],
      ['# CONFIG_FUSION is not set'],
    );
    fc.assert(
      fc.property(own, fc.array(other), fc.array(other), (lines, before, after) => {
        const reversed = [...before, ...lines.toReversed(), ...after].join('\n');
        expect(configured(reversed)).toBe(configured(lines.join('\n')));
      }),
    );
  });
});
