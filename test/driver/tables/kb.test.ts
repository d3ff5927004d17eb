import { describe, expect, it } from 'vitest';
import { kbEvidence, kbFor } from '../../../src/driver/tables/kb.ts';

const RHEL = { id: 'rhel', family: 'redhat' };
const SLES = { id: 'sles', family: 'suse' };
const UBUNTU = { id: 'ubuntu', family: 'debian' };
const DEBIAN = { id: 'debian', family: 'debian' };
const NONE = { id: 'unknown', family: 'unknown' };

const RHEL4_FIX = 'kernel-2.6.9-55.EL (RHEL 4 Update 5) or later';
const RHEL5_FIX = 'kernel-2.6.18-53.el5 (RHEL 5.1) or later';
const UBUNTU_FIX = 'Ubuntu 7.10 (2.6.22) or later';

describe('kbFor', () => {
  it.each([
    [RHEL, '2.4.21-47.EL', true, undefined, undefined, false],
    [RHEL, '2.6.9-5.EL', true, RHEL4_FIX, false, false],
    [RHEL, '2.6.9-42.0.10.ELsmp', true, RHEL4_FIX, false, false],
    [RHEL, '2.6.9-54.EL', true, RHEL4_FIX, false, false],
    [RHEL, '2.6.9-55.EL', true, RHEL4_FIX, true, false],
    [RHEL, '2.6.18-8.el5', false, RHEL5_FIX, false, true],
    [RHEL, '2.6.18-53.el5', false, RHEL5_FIX, true, true],
    [RHEL, '2.6.32-71.el6.x86_64', false, undefined, undefined, true],
    [SLES, '2.6.5-7.201-default', false, undefined, undefined, true],
    [SLES, '2.6.5-7.244-default', true, undefined, undefined, false],
    [SLES, '2.6.5-7.286-smp', true, undefined, undefined, false],
    [SLES, '2.6.5-7.308-smp', false, undefined, undefined, true],
    [SLES, '2.6.16.21-0.8-default', false, undefined, undefined, true],
    [UBUNTU, '2.6.15-26-server', false, UBUNTU_FIX, undefined, true],
    [UBUNTU, '2.6.22-14-server', false, undefined, undefined, true],
    [DEBIAN, '6.1.0-56-amd64', false, undefined, undefined, true],
    [NONE, '2.6.18', false, undefined, undefined, true],
    [RHEL, '\u001b[31m', false, undefined, undefined, true],
  ])(
    '$id: %s: covered %s, fix %s, which it has: %s; inferred %s',
    (distro, release, covered, fix, has, inferred) => {
      const kb = kbFor({ distro, release });
      expect(kb).toMatchObject({ id: '51306', covered, inferred });
      expect(kb.vendorFix).toBe(fix);
      expect(kb.hasVendorFix).toBe(has);
      expect(kb.source).toContain('article');
    },
  );
});

describe('kbEvidence', () => {
  it('is fixed from the vendor’s fixed kernel on, and says where that comes from', () => {
    expect(kbEvidence(kbFor({ distro: RHEL, release: '2.6.9-55.EL' }))).toEqual({
      kind: 'kb',
      verdict: 'fixed',
      detail:
        `KB 51306 covers RHEL 4; the vendor's fix is ${RHEL4_FIX}, which this kernel has ` +
        "(per the article; the KB's own text was not found)",
    });
  });

  it('does not judge an older kernel', () => {
    expect(kbEvidence(kbFor({ distro: RHEL, release: '2.6.9-34.EL' })).verdict).toBe('unknown');
  });

  it('says plainly what is inferred', () => {
    expect(kbEvidence(kbFor({ distro: RHEL, release: '2.6.18-8.el5' })).detail).toBe(
      `KB 51306 is not known to cover RHEL 5; the vendor's fix is ${RHEL5_FIX} ` +
        "(inferred: not in the article; the fix follows from the driver's history, Red Hat bug 228108)",
    );
  });
});
