import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kernelBase } from '../../src/versions/kernel-base.ts';

const RELEASES: readonly (readonly [release: string, base: string, local: string])[] = [
  ['2.6.18-8.1.15.el5', '2.6.18', '8.1.15.el5'],
  ['2.6.9-34.ELsmp', '2.6.9', '34.ELsmp'],
  ['2.6.9-42.0.10.plus.c4', '2.6.9', '42.0.10.plus.c4'],
  ['2.4.21-47.EL', '2.4.21', '47.EL'],
  ['2.4.9-e.3', '2.4.9', 'e.3'],
  ['2.6.16.21-0.8-default', '2.6.16', '0.8-default'],
  ['2.6.5-7.244-smp', '2.6.5', '7.244-smp'],
  ['2.6.15-26-server', '2.6.15', '26-server'],
  ['2.6.24-etchnhalf.1-686', '2.6.24', 'etchnhalf.1-686'],
  ['6.1.0-56-amd64', '6.1.0', '56-amd64'],
  ['6.12.48+deb13-amd64', '6.12.48', '+deb13-amd64'],
  ['5.14.0-427.13.1.el9_4.x86_64+debug', '5.14.0', '427.13.1.el9_4.x86_64+debug'],
  ['2.6.21.7', '2.6.21', ''],
  ['2.6.13', '2.6.13', ''],
  ['2.6.14-rc3', '2.6.14-rc.3', 'rc3'],
  ['2.6.14-rc10', '2.6.14-rc.10', 'rc10'],
  ['2.6.25-0.121.rc5.git4.fc9', '2.6.25-rc.5', '0.121.rc5.git4.fc9'],
  ['3.2', '3.2.0', ''],
  ['6.12-rc6-amd64', '6.12.0-rc.6', 'rc6-amd64'],
  ['2.6.18custom', '2.6.18', 'custom'],
];

describe('kernelBase', () => {
  it.each(RELEASES)('%s is %s, then %s', (release, base, local) => {
    expect(kernelBase(release)).toMatchObject({ base, local, source: 'release' });
  });

  it('keeps the stable update of 2.6 apart', () => {
    expect(kernelBase('2.6.21.7')).toEqual({
      base: '2.6.21',
      numbers: '2.6.21.7',
      stable: 7,
      local: '',
      snapshot: false,
      source: 'release',
    });
  });

  it.each(['2.6.14-rc2-git5', '2.6.21-mm1', '2.6.21-00012-gabcdef0', '2.6.21+', '2.6.21-git3-custom'])(
    '%s is a snapshot',
    (release) => {
      expect(kernelBase(release)?.snapshot).toBe(true);
    },
  );

  it.each(['2.6.21', '6.8.0-45-generic', '6.6.30+rpt-rpi-v8', '2.6.18-8.el5', '2.6.20-gentoo-r8'])(
    '%s is not',
    (release) => {
      expect(kernelBase(release)?.snapshot).toBe(false);
    },
  );

  it.each([
    ['6.1.0-56-amd64', '6.1.192-2', '6.1.192', 'package'],
    ['3.2.0-4-amd64', '3.2.102-1', '3.2.102', 'package'],
    ['2.6.18-6-686', '2.6.18.dfsg.1-24etch2', '2.6.18', 'package'],
    ['6.12-rc6-amd64', '6.12~rc6-1~exp1', '6.12.0-rc.6', 'package'],
    ['6.8.0-45-generic', '6.8.0-45.45', '6.8.0', 'package'],
    ['6.1.0-56-amd64', '1:6.1.192-2', '6.1.192', 'package'],
    ['6.1.0-56-amd64', '5.10.1-1', '6.1.0', 'release'],
    ['2.6.18-6-686', '2.6.26-1', '2.6.18', 'release'],
    ['6.1.0-56-amd64', 'latest', '6.1.0', 'release'],
    ['6.1.0-56-amd64', '', '6.1.0', 'release'],
  ])('%s of package %s is %s, by the %s', (release, packageVersion, base, source) => {
    expect(kernelBase(release, packageVersion)).toMatchObject({ base, source });
  });

  it.each([
    '',
    '6',
    '2.6',
    '2.6.',
    'linux',
    'v2.6.18',
    ' 2.6.18',
    '2.6.18 ',
    '2.6.18\n',
    '2.6.18\0',
    '2.6.18/../../etc',
    '../2.6.18',
    '2.6.18$(id)',
    '2.6.18;id',
    '-2.6.18',
    '2.6.1234567',
    '2.6.٣',
    '2.6.18\u001b[31m',
    `2.6.18-${'x'.repeat(200)}`,
    '9'.repeat(1_000_000),
    '2.6'.repeat(1_000_000),
  ])('hostile release %# is none', (release) => {
    expect(kernelBase(release)).toBeUndefined();
  });

  it('gives a base that semver takes, or nothing, for any text', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123.-rcg~+') }));
    fc.assert(
      fc.property(text, text, (release, packageVersion) => {
        const kernel = kernelBase(release, packageVersion);
        if (kernel !== undefined) expect(kernel.base).toMatch(/^\d{1,6}\.\d{1,6}\.\d{1,6}(-rc\.\d{1,3})?$/);
      }),
    );
  });
});
