import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { byAge, compareKernels, kernelName } from '../../src/versions/kernel-name.ts';

/** Release; base; the builder's part; flavour; family; architecture. */
const NAMES: readonly (readonly [
  string,
  string,
  string,
  string,
  family?: string | undefined,
  architecture?: string,
])[] = [
  ['2.6.15-28-686', '2.6.15', '28', '686', 'debian'],
  ['2.6.9-42.0.10.EL', '2.6.9', '42.0.10.EL', '', 'redhat'],
  ['2.6.9-42.0.10.ELsmp', '2.6.9', '42.0.10.EL', 'smp', 'redhat'],
  ['2.6.9-34.0.2.ELlargesmp', '2.6.9', '34.0.2.EL', 'largesmp', 'redhat'],
  ['2.4.21-47.ELhugemem', '2.4.21', '47.EL', 'hugemem', 'redhat'],
  ['2.4.9-e.40smp', '2.4.9', 'e.40', 'smp', 'redhat'],
  ['2.4.20-8bigmem', '2.4.20', '8', 'bigmem', 'redhat'],
  ['2.6.9-42.0.10.plus.c4smp', '2.6.9', '42.0.10.plus.c4', 'smp', 'redhat'],
  ['2.6.18-8.1.15.el5PAE', '2.6.18', '8.1.15.el5', 'PAE', 'redhat'],
  ['2.6.18-8.el5xen', '2.6.18', '8.el5', 'xen', 'redhat'],
  ['2.6.18-8.el5debug', '2.6.18', '8.el5', 'debug', 'redhat'],
  ['2.6.18-53.1.14.el5.centos.plusPAE', '2.6.18', '53.1.14.el5.centos.plus', 'PAE', 'redhat'],
  ['2.6.18-53.1.19.el5.028stab053.14PAE', '2.6.18', '53.1.19.el5.028stab053.14', 'PAE', 'redhat'],
  ['2.6.9-67.0.7.EL_lustre.1.6.5.1smp', '2.6.9', '67.0.7.EL_lustre.1.6.5.1', 'smp', 'redhat'],
  ['2.6.32-71.el6.x86_64.debug', '2.6.32', '71.el6', 'debug', 'redhat', 'x86_64'],
  ['2.6.32-71.el6.ppc64.kdump', '2.6.32', '71.el6', 'kdump', 'redhat', 'ppc64'],
  ['2.6.32-71.el6.i686', '2.6.32', '71.el6', '', 'redhat', 'i686'],
  ['2.6.32-71.el6.centos.plus.x86_64', '2.6.32', '71.el6.centos.plus', '', 'redhat', 'x86_64'],
  ['2.6.39-400.el5uek', '2.6.39', '400.el5uek', 'uek', 'redhat'],
  ['2.6.39-400.el5uekdebug', '2.6.39', '400.el5uek', 'uek-debug', 'redhat'],
  ['4.1.12-124.16.4.el7uek.x86_64', '4.1.12', '124.16.4.el7uek', 'uek', 'redhat', 'x86_64'],
  ['4.1.12-124.16.4.el7uek.x86_64.debug', '4.1.12', '124.16.4.el7uek', 'uek-debug', 'redhat', 'x86_64'],
  ['3.10.0-1160.rt56.1131.el7.x86_64', '3.10.0', '1160.rt56.1131.el7', 'rt', 'redhat', 'x86_64'],
  ['5.14.0-503.el9.x86_64', '5.14.0', '503.el9', '', 'redhat', 'x86_64'],
  ['5.14.0-427.13.1.el9_4.aarch64+64k', '5.14.0', '427.13.1.el9_4', '64k', 'redhat', 'aarch64'],
  ['4.18.0-553.el8_10.x86_64+rt-debug', '4.18.0', '553.el8_10', 'rt-debug', 'redhat', 'x86_64'],
  ['2.6.15-1.2054_FC5smp', '2.6.15', '1.2054_FC5', 'smp', 'redhat'],
  ['2.6.9-1.667smp', '2.6.9', '1.667', 'smp', 'redhat'],
  ['2.6.18-1.2798.fc6xen', '2.6.18', '1.2798.fc6', 'xen', 'redhat'],
  ['2.6.25-0.121.rc5.git4.fc9', '2.6.25-rc.5', '0.121.rc5.git4.fc9', '', 'redhat'],
  ['3.3.4-5.fc17.i686.PAE', '3.3.4', '5.fc17', 'PAE', 'redhat', 'i686'],
  ['2.6.9-42.7AXsmp', '2.6.9', '42.7AX', 'smp', 'redhat'],
  ['2.6.18-128.7AXS3PAE', '2.6.18', '128.7AXS3', 'PAE', 'redhat'],
  ['2.6.18-028stab056', '2.6.18', '028stab056', '', 'redhat'],
  ['2.6.18-028stab064.7-ovz-smp', '2.6.18', '028stab064.7', 'smp', 'redhat'],
  ['2.6.9-023stab048.6-enterprise', '2.6.9', '023stab048.6', 'enterprise', 'redhat'],
  ['2.6.5-7.244-smp', '2.6.5', '7.244', 'smp', 'suse'],
  ['2.6.16.60-0.21-bigsmp', '2.6.16', '0.21', 'bigsmp', 'suse'],
  ['2.6.16.21-0.8-default', '2.6.16', '0.8', 'default', 'suse'],
  ['2.6.16.60-0.21-xen', '2.6.16', '0.21', 'xen', 'suse'],
  ['2.6.16.60-0.21-xenpae', '2.6.16', '0.21', 'xenpae', 'suse'],
  ['2.6.16.60-0.21-kdump', '2.6.16', '0.21', 'kdump', 'suse'],
  ['2.6.27.19-5-pae', '2.6.27', '5', 'pae', 'suse'],
  ['2.6.27.19-5-xen', '2.6.27', '5', 'xen', 'suse'],
  ['3.0.101-63-rt', '3.0.101', '63', 'rt', 'suse'],
  ['5.3.18-150300.59.43-default', '5.3.18', '150300.59.43', 'default', 'suse'],
  ['4.12.14-8.30-azure', '4.12.14', '8.30', 'azure', 'suse'],
  ['2.4.21-99-smp4G', '2.4.21', '99', 'smp4G', 'suse'],
  ['2.4.19-64GB-SMP', '2.4.19', '', '64GB-SMP', 'suse'],
  ['2.6.18-6-xen-686', '2.6.18', '6', 'xen-686', 'debian'],
  ['2.6.26-2-vserver-686-bigmem', '2.6.26', '2', 'vserver-686-bigmem', 'debian'],
  ['2.6.24-etchnhalf.1-686', '2.6.24', 'etchnhalf.1', '686', 'debian'],
  ['2.6.32-bpo.5-amd64', '2.6.32', 'bpo.5', 'amd64', 'debian'],
  ['3.2.0-4-686-pae', '3.2.0', '4', '686-pae', 'debian'],
  ['6.1.0-56-amd64', '6.1.0', '56', 'amd64', 'debian'],
  ['6.1.0-0.deb11.5-rt-amd64', '6.1.0', '0.deb11.5', 'rt-amd64', 'debian'],
  ['6.12-rc6-amd64', '6.12.0-rc.6', '', 'amd64', 'debian'],
  ['6.12.117+deb13-amd64', '6.12.117', '+deb13', 'amd64', 'debian'],
  ['7.2.13+deb14-cloud-amd64', '7.2.13', '+deb14', 'cloud-amd64', 'debian'],
  ['2.6.15-26-server', '2.6.15', '26', 'server', 'debian'],
  ['2.6.15-29-amd64-k8', '2.6.15', '29', 'amd64-k8', 'debian'],
  ['2.6.20-16-generic', '2.6.20', '16', 'generic', 'debian'],
  ['2.6.31-14-generic-pae', '2.6.31', '14', 'generic-pae', 'debian'],
  ['2.6.24-19-virtual', '2.6.24', '19', 'virtual', 'debian'],
  ['2.6.24-19-xen', '2.6.24', '19', 'xen', 'debian'],
  ['5.15.0-1051-azure', '5.15.0', '1051', 'azure', 'debian'],
  ['5.15.30-2-pve', '5.15.30', '2', 'pve'],
  ['2.6.12-12mdksmp', '2.6.12', '12mdk', 'smp'],
  ['2.6.22.9-desktop586-1mdv', '2.6.22', '1mdv', 'desktop586'],
  ['4.14.200-155.322.amzn2.x86_64', '4.14.200', '155.322.amzn2', '', undefined, 'x86_64'],
  ['2.6.21.7', '2.6.21', '', ''],
  ['2.6.14-rc3', '2.6.14-rc.3', '', ''],
  ['2.6.18custom', '2.6.18', 'custom', ''],
  ['2.6.20-gentoo-r8', '2.6.20', 'gentoo-r8', ''],
];

describe('kernelName', () => {
  it.each(NAMES.map((row) => ({ row, release: row[0] })))('$release', ({ row, release }) => {
    const [, base, distroPart, flavour, family, architecture] = row;
    const name = kernelName(release);
    const parts = [name?.base, name?.distroPart, name?.flavour, name?.family, name?.architecture];
    expect(parts).toEqual([base, distroPart, flavour, family, architecture]);
  });

  it.each(['', 'linux', '2.6', '../2.6.18', '2.6.18 ', '9'.repeat(1_000_000)])('%# is no release', (text) => {
    expect(kernelName(text)).toBeUndefined();
  });

  it('takes any text', () => {
    const text = fc.string({ unit: fc.constantFrom(...'0123.-_ELelsmpPAExn+~deb'), maxLength: 140 });
    fc.assert(
      fc.property(text, (rest) => {
        const release = `2.6.9${rest}`;
        const name = kernelName(release);
        if (name === undefined) return;
        expect(release.startsWith(name.numbers)).toBe(true);
        expect(release).toContain(name.distroPart);
      }),
    );
  });
});

/** Few values, so that many pairs differ late. */
const few = fc.constantFrom(0, 1, 2, 10);
const numbers = fc
  .tuple(fc.constantFrom('2.6', '6.1'), fc.array(few, { minLength: 1, maxLength: 2 }))
  .map(([first, rest]) => [first, ...rest].join('.'));
const counts = fc.array(few, { minLength: 1, maxLength: 3 }).map((all) => all.join('.'));
const flavoured = (...flavours: readonly string[]) => fc.constantFrom(...flavours);

const REDHAT = fc
  .tuple(
    numbers,
    counts,
    fc.constantFrom('.EL', '.el5', '.el9_4', '.el5.centos.plus'),
    flavoured('', 'smp', 'PAE', 'xen'),
  )
  .map(([version, count, mark, flavour]) => ({
    release: `${version}-${count}${mark}${flavour}`,
    packaged: `${version}-${count}${mark}`,
  }));
const SUSE = fc
  .tuple(numbers, counts, flavoured('default', 'smp', 'bigsmp', 'pae'))
  .map(([version, count, flavour]) => ({
    release: `${version}-${count}-${flavour}`,
    packaged: `${version}-${count}`,
  }));
const DEBIAN = fc
  .tuple(
    numbers,
    fc.oneof(
      counts,
      counts.map((count) => `0.bpo.${count}`),
    ),
    flavoured('686', 'amd64', 'generic'),
  )
  .map(([version, count, flavour]) => ({
    release: `${version}-${count}-${flavour}`,
    packaged: `${version}-${count}`,
  }));
const TRIXIE = fc
  .tuple(numbers, fc.constantFrom('+deb13', '+deb14', '+deb13+1', '+bpo'), flavoured('amd64', '686-pae'))
  .map(([version, part, flavour]) => ({
    release: `${version}${part}-${flavour}`,
    packaged: `${version}-0${part}`,
  }));
const OWN = fc
  .tuple(numbers, fc.constantFrom('', '-rc3', 'custom', '-gentoo-r8', '-028stab056', '-42.7AXsmp', '+'))
  .map((parts) => ({ release: parts.join(''), packaged: '' }));
const ANY = fc
  .oneof(
    REDHAT,
    SUSE,
    DEBIAN,
    TRIXIE,
    OWN,
    fc.string({ maxLength: 8 }).map((release) => ({ release, packaged: '' })),
  )
  .map(({ release }) => release);

/** What rpm itself says of each pair: -1, 0 or 1. */
function byRpm(pairs: readonly (readonly [string, string])[]): readonly number[] {
  // The package's version and release are compared one after the other, as rpmVersionCompare() does.
  const split = (text: string): readonly [string, string] => [
    text.slice(0, text.indexOf('-')),
    text.slice(text.indexOf('-') + 1),
  ];
  const rows = pairs.map(([a, b]) => `{${[...split(a), ...split(b)].map((word) => `"${word}"`).join(',')}}`);
  const order = 'local c = rpm.vercmp(p[1], p[3]); if c == 0 then c = rpm.vercmp(p[2], p[4]) end';
  const lua = `local all = {}; for _, p in ipairs({${rows.join(',')}}) do ${order}; all[#all + 1] = c end; print(table.concat(all, " "))`;
  return execFileSync('rpm', ['--eval', `%{lua:${lua}}`], { encoding: 'utf8' })
    .trim()
    .split(' ')
    .map(Number);
}

function byDpkg(a: string, b: string): number {
  const says = (relation: string): boolean => {
    try {
      execFileSync('dpkg', ['--compare-versions', a, relation, b]);
      return true;
    } catch {
      return false;
    }
  };
  if (says('lt')) return -1;
  return says('gt') ? 1 : 0;
}

describe('compareKernels', () => {
  it('is a total order: only the same text is equal, and it does not go in circles', () => {
    fc.assert(
      fc.property(ANY, ANY, ANY, (a, b, c) => {
        expect(compareKernels(a, b) === 0).toBe(a === b);
        expect(compareKernels(a, b) + compareKernels(b, a)).toBe(0);
        if (compareKernels(a, b) < 0 && compareKernels(b, c) < 0) expect(compareKernels(a, c)).toBe(-1);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['Red Hat', REDHAT],
    ['SUSE', SUSE],
  ])('agrees with rpm on kernels of %s', (_, kernels) => {
    const pairs = fc.sample(fc.tuple(kernels, kernels), 400);
    const theirs = byRpm(pairs.map(([a, b]) => [a.packaged, b.packaged]));
    expect([theirs.length, theirs.includes(-1), theirs.includes(1)]).toEqual([400, true, true]);
    for (const [index, [a, b]] of pairs.entries()) {
      // Of one package's kernels rpm says nothing: they are ordered by flavour.
      if (theirs[index] !== 0)
        expect([a.release, b.release, compareKernels(a.release, b.release)]).toEqual([
          a.release,
          b.release,
          theirs[index],
        ]);
    }
  });

  test.each([
    ['Debian and Ubuntu', DEBIAN],
    ['Debian since trixie', TRIXIE],
  ])('agrees with dpkg on kernels of %s', (_, kernels) => {
    for (const [a, b] of fc.sample(fc.tuple(kernels, kernels), 60)) {
      const theirs = byDpkg(a.packaged, b.packaged);
      if (theirs !== 0)
        expect([a.release, b.release, compareKernels(a.release, b.release)]).toEqual([
          a.release,
          b.release,
          theirs,
        ]);
    }
  });
});

/** The kernels of a guest, the oldest first. */
const GUESTS: readonly string[] = [
  '2.6.15-23-386 2.6.15-26-686 2.6.15-28-386 2.6.15-28-686 2.6.15-29-server',
  '2.6.9-5.EL 2.6.9-11.ELsmp 2.6.9-22.0.2.EL 2.6.9-34.EL 2.6.9-34.0.2.ELsmp 2.6.9-42.ELsmp 2.6.9-42.0.10.ELsmp 2.6.9-55.EL 2.6.9-100.EL',
  '2.6.9-42.EL 2.6.9-42.ELhugemem 2.6.9-42.ELsmp 2.6.9-42.0.2.EL',
  '2.6.9-42.0.3.EL 2.6.9-42.0.8.EL 2.6.9-42.0.10.EL',
  '2.6.9-42.0.10.plus.c4 2.6.9-55.plus.c4smp',
  '2.4.21-4.EL 2.4.21-15.ELsmp 2.4.21-47.0.1.ELhugemem 2.4.21-63.EL',
  '2.4.9-e.3 2.4.9-e.9smp 2.4.9-e.40enterprise',
  '2.4.20-8 2.4.20-20.9smp 2.4.21-4.EL',
  '2.6.18-8.el5 2.6.18-8.1.1.el5 2.6.18-8.1.15.el5PAE 2.6.18-53.el5 2.6.18-53.1.4.el5xen 2.6.18-128.el5 2.6.18-398.el5',
  '2.6.18-8.el5 2.6.18-8.el5PAE 2.6.18-8.el5debug 2.6.18-8.el5xen 2.6.18-9.el5',
  '2.6.18-238.el5 2.6.32-300.el5uek 2.6.39-400.el5uek',
  '2.6.32-71.el6.x86_64 2.6.32-71.29.1.el6.x86_64 2.6.32-754.el6.x86_64 2.6.32-754.el6.x86_64.debug',
  '3.10.0-327.el7.x86_64 3.10.0-1160.el7.x86_64 3.10.0-1160.119.1.el7.x86_64',
  '4.18.0-80.el8.x86_64 4.18.0-553.el8_10.x86_64 4.18.0-553.16.1.el8_10.x86_64',
  '5.14.0-70.el9.x86_64 5.14.0-427.13.1.el9_4.x86_64 5.14.0-503.el9.x86_64 5.14.0-503.el9.x86_64+debug',
  '2.6.5-7.97-smp 2.6.5-7.191-default 2.6.5-7.244-smp 2.6.5-7.308-bigsmp',
  '2.6.16.21-0.8-smp 2.6.16.21-0.25-smp 2.6.16.46-0.12-bigsmp 2.6.16.60-0.21-bigsmp 2.6.16.60-0.54.5-default 2.6.16.60-0.103.1-default',
  '2.6.27.19-5-pae 2.6.32.12-0.7-pae 3.0.13-0.27-pae 3.0.101-63-pae 3.0.101-108.1-pae',
  '4.4.21-69-default 4.12.14-94.41-default 4.12.14-120-default 5.3.18-22-default 5.3.18-150300.59.43-default 5.14.21-150400.22-default',
  '2.6.15-1.2054_FC5 2.6.16-1.2133_FC5smp 2.6.18-1.2798.fc6 2.6.18-1.2849.fc6xen 2.6.20-1.2925.fc6',
  '2.6.24-0.77.rc4.git13.fc9 2.6.25-0.121.rc5.git4.fc9 2.6.25-0.204.rc8.git4.fc9 2.6.25-14.fc9.i686 2.6.25.3-18.fc9.i686',
  '2.6.9-42.7AX 2.6.9-42.7AXsmp 2.6.9-55.18AXsmp',
  '2.6.18-028stab033.3 2.6.18-028stab056 2.6.18-028stab056.1 2.6.18-028stab064.7',
  '2.4.27-3-686 2.6.8-3-686-smp 2.6.18-4-686 2.6.18-6-686 2.6.24-etchnhalf.1-686 2.6.26-2-686',
  '2.6.32-5-amd64 3.2.0-0.bpo.4-amd64 3.2.0-4-amd64 3.16.0-11-amd64 4.19.0-27-amd64',
  '5.10.0-28-amd64 6.1.0-0.deb11.21-amd64 6.1.0-9-amd64 6.1.0-37-amd64 6.1.0-56-amd64',
  '6.12-rc6-amd64 6.12.9+bpo-amd64 6.12.48+deb13-amd64 6.12.117+deb13-amd64 7.2.13+deb14-amd64',
  '5.4.0-42-generic 5.15.0-91-generic 6.8.0-9-generic 6.8.0-31-lowlatency 6.8.0-45-generic',
  '2.6.13 2.6.14-rc2 2.6.14-rc3 2.6.14-rc10 2.6.14 2.6.14.7 2.6.21 2.6.21.7 2.6.22-rc1',
  '2.6.32-9-pve 2.6.32-19-pve 4.15.18-30-pve 5.15.30-2-pve 5.15.102-1-pve',
];

test('the kernels of thirty guests have their age, in whatever order they are found', () => {
  expect(GUESTS).toHaveLength(30);
  for (const guest of GUESTS) {
    const kernels = guest.split(' ');
    fc.assert(
      fc.property(fc.shuffledSubarray(kernels, { minLength: kernels.length }), (found) => {
        expect(byAge(found)).toEqual(kernels);
      }),
      { numRuns: 20 },
    );
  }
});
