import { describe, expect, test } from 'vitest';
import { disagreement } from '../../src/assess/explain.ts';
import { type KernelQuestion, kernelTableVerdict } from '../../src/driver/tables/kernels.ts';
import type { Verdict } from '../../src/driver/verdict.ts';

const DEBIAN = { id: 'debian', family: 'debian' };
const RHEL = { id: 'rhel', family: 'redhat' };
const NONE = { id: 'unknown', family: 'unknown' };

const explain = (verdict: Verdict, distro: KernelQuestion['distro'], release: string) =>
  disagreement({ kind: 'module', verdict, detail: '' }, kernelTableVerdict({ distro, release }), release);

describe('a module and a table that disagree are explained:', () => {
  test.each([
    [
      'affected',
      DEBIAN,
      '6.1.0-56-amd64',
      'Debian’s own build of 6.1.0-56-amd64 is fixed; this file is another build, and has',
    ],
    [
      'affected',
      DEBIAN,
      '2.6.26-2-amd64',
      'Debian’s own build of 2.6.26-2-amd64 is fixed, as far as its version tells; this file',
    ],
    [
      'affected',
      RHEL,
      '2.6.9-22.EL',
      'Red Hat’s own build of 2.6.9-22.EL never had the branch; this file is another build',
    ],
    [
      'fixed',
      RHEL,
      '2.6.9-42.ELsmp',
      'Red Hat’s own build of 2.6.9-42.ELsmp is affected; this file is another build, without',
    ],
    ['affected', NONE, '6.1.9', 'the distro’s own build of 6.1.9 is fixed; this file'],
  ] as const)('%s, %o %s', (verdict, distro, release, says) => {
    expect(explain(verdict, distro, release)?.startsWith(says)).toBe(true);
  });

  test('what replaced an affected one may be mptfix’s: status tells', () => {
    expect(explain('fixed', RHEL, '2.6.9-42.ELsmp')).toContain('`mptfix status` tells');
  });

  test.each([
    ['fixed', DEBIAN, '6.1.0-56-amd64'],
    ['fixed', RHEL, '2.6.9-22.EL'],
    ['affected', RHEL, '2.6.9-42.ELsmp'],
    ['affected', RHEL, '2.6.9-50.EL'],
    ['unknown', DEBIAN, '6.1.0-56-amd64'],
    ['unknown', RHEL, '2.6.9-42.ELsmp'],
  ] as const)('%s, %o %s: nothing to explain', (verdict, distro, release) => {
    expect(explain(verdict, distro, release)).toBe(undefined);
  });
});
