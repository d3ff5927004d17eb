import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KernelQuestion, kernelTableVerdict } from '../../../src/driver/tables/kernels.ts';
import type { Verdict } from '../../../src/driver/verdict.ts';

const NONE = { id: 'unknown', family: 'unknown' };
const RHEL = { id: 'rhel', family: 'redhat' };
const CENTOS = { id: 'centos', family: 'redhat' };
const FEDORA = { id: 'fedora', family: 'redhat' };
const DEBIAN = { id: 'debian', family: 'debian' };
const UBUNTU = { id: 'ubuntu', family: 'debian' };
const SLES = { id: 'sles', family: 'suse' };
const OPENSUSE = { id: 'opensuse', family: 'suse' };

type Row = readonly [distro: KernelQuestion['distro'], release: string, verdict: Verdict, inferred: boolean];

const MAINLINE: readonly Row[] = [
  [NONE, '2.2.26', 'absent', true],
  [NONE, '2.4.6', 'absent', true],
  [NONE, '2.4.7', 'never', false],
  [NONE, '2.4.31', 'never', false],
  [NONE, '2.4.37', 'never', true],
  [NONE, '2.5.75', 'never', false],
  [NONE, '2.6.0', 'never', false],
  [NONE, '2.6.9', 'never', false],
  [NONE, '2.6.13', 'never', false],
  [NONE, '2.6.13.5', 'never', false],
  [NONE, '2.6.14-rc1', 'never', false],
  [NONE, '2.6.14-rc2', 'never', false],
  [NONE, '2.6.14-rc3', 'affected', false],
  [NONE, '2.6.14-rc10', 'affected', false],
  [NONE, '2.6.14', 'affected', false],
  [NONE, '2.6.18', 'affected', false],
  [NONE, '2.6.21', 'affected', false],
  [NONE, '2.6.21.7', 'affected', false],
  [NONE, '2.6.22-rc1', 'fixed', false],
  [NONE, '2.6.22', 'fixed', false],
  [NONE, '3.2', 'fixed', false],
  [NONE, '6.12.1', 'fixed', false],
  [NONE, '7.0.0', 'fixed', false],
  // A tree between two tags of which one has the change.
  [NONE, '2.6.14-rc2-git3', 'unknown', true],
  [NONE, '2.6.21-git1', 'unknown', true],
  [NONE, '2.6.21-00400-gabcdef0', 'unknown', true],
  [NONE, '2.6.14-rc1-git3', 'never', true],
  // Somebody's own build, or another vendor's.
  [NONE, '2.6.20-gentoo-r8', 'affected', true],
  [NONE, '2.6.21.7-custom', 'affected', true],
  [CENTOS, '2.6.21.7', 'affected', true],
  [RHEL, '2.6.18-custom', 'affected', true],
];

const RED_HAT: readonly Row[] = [
  [RHEL, '2.4.9-e.3', 'never', true],
  [RHEL, '2.4.21-4.EL', 'never', false],
  [RHEL, '2.4.21-63.ELsmp', 'never', false],
  [RHEL, '2.6.9-5.EL', 'never', false],
  [RHEL, '2.6.9-11.ELsmp', 'never', false],
  [RHEL, '2.6.9-22.0.2.EL', 'never', false],
  [RHEL, '2.6.9-22.0.2.ELhugemem', 'never', false],
  [RHEL, '2.6.9-27.EL', 'unknown', true],
  [RHEL, '2.6.9-34.EL', 'affected', false],
  [RHEL, '2.6.9-34.0.2.ELsmp', 'affected', false],
  [RHEL, '2.6.9-42.EL', 'affected', false],
  [RHEL, '2.6.9-42.0.10.EL', 'affected', false],
  [RHEL, '2.6.9-42.0.10.ELsmp', 'affected', false],
  [RHEL, '2.6.9-42.0.10.ELxenU', 'affected', false],
  [CENTOS, '2.6.9-42.0.10.plus.c4smp', 'affected', false],
  [RHEL, '2.6.9-50.EL', 'unknown', true],
  [RHEL, '2.6.9-55.EL', 'fixed', false],
  [RHEL, '2.6.9-78.0.30.ELlargesmp', 'fixed', false],
  [RHEL, '2.6.9-80.EL', 'fixed', true],
  [RHEL, '2.6.9-89.EL', 'fixed', false],
  [RHEL, '2.6.9-100.EL', 'fixed', false],
  [RHEL, '2.6.18-1.2747.el5', 'affected', true],
  [RHEL, '2.6.18-8.el5', 'affected', false],
  [RHEL, '2.6.18-8.1.15.el5', 'affected', false],
  [RHEL, '2.6.18-8.1.15.el5xen', 'affected', false],
  [RHEL, '2.6.18-8.1.15.el5PAE', 'affected', false],
  [RHEL, '2.6.18-36.el5', 'unknown', true],
  [RHEL, '2.6.18-53.el5', 'fixed', false],
  [RHEL, '2.6.18-419.el5', 'fixed', false],
  // No vendor row: mainline would say affected, and must not be asked.
  [RHEL, '2.6.21-57.el5rt', 'unknown', true],
  [RHEL, '2.6.32-71.el6.x86_64', 'fixed', true],
  [{ id: 'oracle', family: 'redhat' }, '2.6.39-400.17.1.el6uek.x86_64', 'fixed', true],
  [{ id: 'rocky', family: 'redhat' }, '5.14.0-427.13.1.el9_4.x86_64', 'fixed', true],
  // The mark in the release outranks the release files, which may be a container's.
  [NONE, '2.6.18-53.el5', 'fixed', false],
  [DEBIAN, '2.6.9-22.EL', 'never', false],
  [NONE, '2.6.20-1.2962.fc6', 'affected', true],
  [FEDORA, '2.6.13-1.1526_FC4.fc4', 'never', true],
  [FEDORA, '2.6.22.14-72.fc6', 'fixed', true],
];

const OTHERS: readonly Row[] = [
  [UBUNTU, '2.6.12-10-386', 'never', true],
  [UBUNTU, '2.6.15-26-server', 'affected', true],
  [UBUNTU, '2.6.17-10-generic', 'affected', true],
  [UBUNTU, '2.6.20-15-server', 'affected', true],
  [UBUNTU, '2.6.22-14-generic', 'fixed', true],
  [UBUNTU, '6.8.0-45-generic', 'fixed', true],
  [DEBIAN, '2.4.27-2-386', 'never', true],
  [DEBIAN, '2.6.8-2-686', 'never', true],
  [DEBIAN, '2.6.18-6-686', 'affected', true],
  [DEBIAN, '2.6.24-etchnhalf.1-686', 'fixed', true],
  [DEBIAN, '2.6.26-2-amd64', 'fixed', true],
  [DEBIAN, '5.10.0-30-amd64', 'fixed', true],
  [DEBIAN, '6.1.0-56-amd64', 'fixed', false],
  [DEBIAN, '6.12.48+deb13-amd64', 'fixed', true],
  [SLES, '2.4.21-138-default', 'never', true],
  [SLES, '2.6.5-7.97-default', 'unknown', true],
  [SLES, '2.6.5-7.244-smp', 'unknown', true],
  [OPENSUSE, '2.6.13-15-default', 'never', true],
  [SLES, '2.6.16.21-0.8-default', 'affected', true],
  [OPENSUSE, '2.6.16.27-0.9-default', 'affected', true],
  [SLES, '2.6.16.46-0.12-default', 'unknown', true],
  [SLES, '2.6.16.60-0.21-smp', 'unknown', true],
  [OPENSUSE, '2.6.18.2-34-default', 'affected', true],
  [OPENSUSE, '2.6.22.5-31-default', 'fixed', true],
  [SLES, '2.6.27.19-5-default', 'fixed', true],
];

const ASIANUX = { id: 'asianux', family: 'redhat' };
const MIRACLE = { id: 'miraclelinux', family: 'redhat' };
const RED_FLAG = { id: 'redflag', family: 'redhat' };
const MANDRIVA = { id: 'mandriva', family: 'redhat' };
const OTHER_RPM = { id: 'unknown', family: 'redhat' };
const OTHER_DEB = { id: 'knoppix', family: 'debian' };

/** Builders without rows: nothing but `affected` or `unknown`, and always inferred. */
const FOREIGN: readonly Row[] = [
  [ASIANUX, '2.6.9-42.7AX', 'affected', true],
  [ASIANUX, '2.6.9-42.7AXsmp', 'affected', true],
  [ASIANUX, '2.6.9-11.19AX', 'unknown', true],
  [NONE, '2.6.9-11.19AXhugemem', 'unknown', true],
  [ASIANUX, '2.6.9-55.16AXsmp', 'unknown', true],
  [ASIANUX, '2.6.18-53.11AXS3', 'unknown', true],
  [MIRACLE, '2.6.9-22.3AXsmp', 'unknown', true],
  [MIRACLE, '2.6.9-34.19AX', 'affected', true],
  [MIRACLE, '2.4.9-e.25.89ml', 'unknown', true],
  [RED_FLAG, '2.6.9-22.8AXsmp', 'unknown', true],
  [RED_FLAG, '2.6.9-42.0.10.ELsmp', 'affected', false],
  [RED_FLAG, '2.6.18-53.el5', 'fixed', false],
  [OTHER_RPM, '2.6.9-5.12', 'unknown', true],
  [OTHER_RPM, '2.6.25-3', 'unknown', true],
  [DEBIAN, '2.6.18-028stab064.7', 'affected', true],
  [CENTOS, '2.6.18-028stab033.1-smp', 'affected', true],
  [NONE, '2.6.18-028stab039', 'affected', true],
  [CENTOS, '2.6.18-8.1.8.el5.028stab039.1', 'affected', true],
  [CENTOS, '2.6.18-53.1.19.el5.028stab053.14', 'unknown', true],
  [CENTOS, '2.6.32-042stab120.16', 'unknown', true],
  [CENTOS, '2.6.9-023stab048.6-smp', 'unknown', true],
  [CENTOS, '3.10.0-327.18.2.vz7.15.2', 'unknown', true],
  [MANDRIVA, '2.6.12-12mdk', 'unknown', true],
  [MANDRIVA, '2.6.17-5mdv', 'affected', true],
  [NONE, '2.6.22.9-2mdv', 'unknown', true],
  [MANDRIVA, '2.6.27.45-server-1mnb', 'unknown', true],
  [MANDRIVA, '2.6.12-22mlcs4-smp', 'unknown', true],
  [CENTOS, '2.6.9-55.0.9.EL_lustre.1.6.4.1smp', 'unknown', true],
  [RHEL, '2.6.9-42.0.3.EL.cernsmp', 'affected', true],
  [RHEL, '2.6.9-22.0.1.EL.cernsmp', 'unknown', true],
  [DEBIAN, '2.6.18-2-pve', 'unknown', true],
  [DEBIAN, '2.6.24-8-pve', 'unknown', true],
  [OTHER_DEB, '2.6.24-1-686', 'unknown', true],
  [OTHER_DEB, '2.6.18-6-686', 'affected', true],
  [NONE, '2.6.13-15-smp', 'unknown', true],
  [NONE, '2.6.24.5-smp', 'unknown', true],
  [NONE, '2.6.24-ARCH', 'unknown', true],
  [DEBIAN, '6.12.1-custom', 'unknown', true],
  // Those of vendors with rows, in forms that look foreign.
  [FEDORA, '2.6.9-1.667', 'never', true],
  [FEDORA, '2.6.11-1.1369_FC4smp', 'never', true],
  [NONE, '2.6.15-1.2054_FC5', 'affected', true],
  [CENTOS, '2.6.32-71.el6.centos.plus.x86_64', 'fixed', true],
  [RHEL, '5.14.0-427.13.1.el9_4.x86_64+debug', 'fixed', true],
  [RHEL, '2.4.9-e.3smp', 'never', true],
  [{ id: 'redhatlinux', family: 'redhat' }, '2.4.20-31.9bigmem', 'never', true],
];

const verdictOf = (distro: KernelQuestion['distro'], release: string, packageVersion?: string) =>
  kernelTableVerdict({ distro, release, ...(packageVersion === undefined ? {} : { packageVersion }) });

describe('kernelTableVerdict', () => {
  it.each([...MAINLINE, ...RED_HAT, ...OTHERS, ...FOREIGN])(
    '$id: %s is %s, inferred: %s',
    (distro, release, verdict, inferred) => {
      expect(verdictOf(distro, release)).toMatchObject({ kind: 'kernel-table', verdict, inferred });
    },
  );

  it.each([
    [RHEL, '2.6.9-22.0.2.EL', 'mptscsih.c', 'mptscsih', undefined],
    [RHEL, '2.6.9-34.EL', 'mptscsi.c', 'mptscsi', undefined],
    [RHEL, '2.6.9-42.0.10.ELsmp', 'mptscsi.c', 'mptscsi', undefined],
    [RHEL, '2.6.9-55.EL', 'mptscsi.c', 'mptscsi', 'requeue'],
    [RHEL, '2.6.9-78.EL', 'mptscsi.c', 'mptscsi', 'requeue'],
    [RHEL, '2.6.18-8.el5', 'mptscsih.c', 'mptscsih', undefined],
    [RHEL, '2.6.18-53.el5', 'mptscsih.c', 'mptscsih', 'removed'],
    [NONE, '2.6.22', 'mptscsih.c', 'mptscsih', 'removed'],
  ])('$id %s: the code is in %s, module %s, fixed by %s', (distro, release, file, module, how) => {
    const evidence = verdictOf(distro, release);
    expect(evidence.driver).toEqual({ file: `drivers/message/fusion/${file}`, module });
    expect(evidence.how).toBe(how);
  });

  it('takes the package version before the release, in the vendor’s order', () => {
    expect(verdictOf(DEBIAN, '2.6.22-1-686', '2.6.22~rc1-1').verdict).toBe('fixed');
    expect(verdictOf(DEBIAN, '2.6.14-1-686', '2.6.14~rc2-1').verdict).toBe('never');
    expect(verdictOf(DEBIAN, '6.1.0-56-amd64', '6.1.192-2')).toMatchObject({
      verdict: 'fixed',
      inferred: false,
    });
    expect(verdictOf(RHEL, '2.6.9-prep', '2.6.9-42.0.10.EL').verdict).toBe('unknown');
  });

  it('warns of the data underrun in 2.5.0 to 2.6.13, and only there', () => {
    expect(verdictOf(NONE, '2.6.13').caveats.join()).toContain('DID_SOFT_ERROR');
    expect(verdictOf(NONE, '2.6.14').caveats.join()).not.toContain('DID_SOFT_ERROR');
    expect(verdictOf(NONE, '2.4.31').caveats.join()).not.toContain('DID_SOFT_ERROR');
  });

  it('says what is missing where it cannot decide', () => {
    for (const release of ['2.6.9-50.EL', '2.6.5-7.244-smp', '2.6.21-57.el5rt', '2.6.21-git1', 'nonsense']) {
      expect(verdictOf(SLES, release)).toMatchObject({
        verdict: 'unknown',
        caveats: [expect.stringMatching(/needed to decide$/)],
      });
    }
  });

  it('names the row, its source, and whether it is inferred', () => {
    expect(verdictOf(RHEL, '2.6.9-34.EL').detail).toBe(
      'RHEL 4 Update 3 and 4: the driver turns BUSY into DID_BUS_BUSY ' +
        '(the sources of RHEL 4, kernels 2.6.9-34.EL to 2.6.9-42.0.10.EL)',
    );
    expect(verdictOf(UBUNTU, '2.6.15-26-server').detail).toBe(
      'Ubuntu 6.06, 6.10 and 7.04 (2.6.15, 2.6.17, 2.6.20): the driver turns BUSY into DID_BUS_BUSY ' +
        '(inferred: base version from mainline commit 466544d8898 (2.6.14-rc3) ' +
        'to before mainline commit ad8c31bb69d6 (2.6.22-rc1))',
    );
  });

  it('takes the base where the release says nothing', () => {
    expect(kernelTableVerdict({ distro: NONE, release: 'mykernel', base: '2.6.18' }).verdict).toBe(
      'affected',
    );
    expect(kernelTableVerdict({ distro: NONE, release: 'mykernel' }).verdict).toBe('unknown');
  });

  it.each(['', '2.6', '../2.6.18', '2.6.18\n', '2.6.18\0', '9'.repeat(1_000_000)])(
    'hostile release %# is unknown, and is not repeated',
    (release) => {
      const evidence = verdictOf(RHEL, release);
      expect(evidence.verdict).toBe('unknown');
      expect(evidence.detail).toBe('the table cannot decide: this release names no kernel version');
    },
  );

  it.each(['.1', '1', '.', 'xen', 'c1', '.1stab', 'EL', '.el5'])('a long row of %j ends, too', (word) => {
    const release = `2.6.18-53.el5${word.repeat(100)}`.slice(0, 126);
    expect(['unknown', 'fixed']).toContain(verdictOf(CENTOS, `${release}=`).verdict);
  });

  it('never clears a kernel with a foreign mark, whatever its numbers', () => {
    const mark = fc.constantFrom(
      'AX',
      'AXsmp',
      'mdv',
      'mdk',
      'EL.cern',
      'el5_lustre',
      'el5.028stab1',
      '-pve',
      'vz7.1',
    );
    const base = fc.constantFrom('2.6.9', '2.6.12', '2.6.18', '2.6.22.9', '2.6.32', '4.4.0');
    const distro = fc.constantFrom(NONE, RHEL, CENTOS, FEDORA, DEBIAN, UBUNTU, SLES, MANDRIVA, ASIANUX);
    fc.assert(
      fc.property(distro, base, fc.nat(500), fc.nat(20), mark, (guest, numbers, first, second, word) => {
        const { verdict, inferred } = verdictOf(
          guest,
          `${numbers}-${first}.${second}.${word}`.replace('.-', '-'),
        );
        expect([verdict === 'affected' || verdict === 'unknown', inferred]).toEqual([true, true]);
      }),
    );
  });

  it('answers any text in one short line', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^2\.6\.\d{1,2}[-.~]\w{0,9}[-.]?\w{0,9}$/));
    const distro = fc.constantFrom(NONE, RHEL, FEDORA, DEBIAN, UBUNTU, SLES);
    fc.assert(
      fc.property(distro, text, text, (guest, release, packageVersion) => {
        const { detail } = verdictOf(guest, release, packageVersion);
        expect(detail).toMatch(/^[ -~]{10,400}$/);
      }),
    );
  });
});
