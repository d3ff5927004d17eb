import { expect, test } from 'vitest';
import { indexedDependents } from '../../src/guest/module-links.ts';

const FUSION = '/lib/modules/2.6.9-42.0.10.ELsmp/kernel/drivers/message/fusion';
/** RHEL 4 from Update 3, by module-init-tools: the old name pulls in the three new drivers, and these the code. */
const RHEL4 = `${FUSION}/mptbase.ko:
${FUSION}/mptscsi.ko: ${FUSION}/mptbase.ko
${FUSION}/mptspi.ko: ${FUSION}/mptscsi.ko ${FUSION}/mptbase.ko
${FUSION}/mptsas.ko: ${FUSION}/mptscsi.ko ${FUSION}/mptbase.ko
${FUSION}/mptfc.ko: ${FUSION}/mptscsi.ko ${FUSION}/mptbase.ko
${FUSION}/mptscsih.ko: ${FUSION}/mptspi.ko ${FUSION}/mptsas.ko ${FUSION}/mptfc.ko ${FUSION}/mptscsi.ko ${FUSION}/mptbase.ko
`;
const KMOD = `kernel/fusion/mptscsih.ko.xz: kernel/fusion/mptbase.ko.xz
kernel/fusion/mptspi.ko.xz: kernel/fusion/mptscsih.ko.xz kernel/fusion/mptbase.ko.xz
extra/stm.ko: kernel/fusion/mptscsih.ko.xz
kernel/fusion/mptbase.ko.xz:
`;

test.each([
  ['RHEL 4', RHEL4, 'mptscsi', ['mptspi', 'mptsas', 'mptfc', 'mptscsih']],
  ['RHEL 4, the dummy', RHEL4, 'mptscsih', []],
  ['kmod', KMOD, 'mptscsih', ['mptspi', 'stm']],
  ['kmod, base', KMOD, 'mptbase', ['mptscsih', 'mptspi']],
  ['an index that ends in a line', 'a/x.ko: a/y.ko', 'y', ['x']],
  ['no index', '', 'mptscsih', []],
] as const)('%s', (_, index, needed, dependents) => {
  expect(indexedDependents(index, needed)).toEqual(dependents);
});

test('an index of a million lines is read at once', () => {
  const index = `${'kernel/a/b.ko: kernel/a/c.ko\n'.repeat(200_000)}x/d.ko: x/mptscsih.ko\n`;
  expect(indexedDependents(index, 'mptscsih')).toEqual(['d']);
});
