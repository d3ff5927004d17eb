import { INTRODUCED, type KernelRow, MPTSCSIH, REMOVED } from './kernel-row.ts';

const UNDERRUN =
  'BUSY together with a data underrun gives DID_SOFT_ERROR here, which uses up the retries as well';

/** Kernels of kernel.org, by semver. The rows neither overlap nor leave a gap. */
export const MAINLINE_ROWS: readonly KernelRow[] = [
  {
    product: 'mainline before 2.4.7',
    before: '2.4.7',
    verdict: 'absent',
    caveats: ['A vendor may have added the driver to so old a kernel'],
    inferred: true,
    source: 'the driver came with mainline 2.4.7',
  },
  {
    product: 'mainline 2.4.7 to 2.4.31',
    from: '2.4.7',
    before: '2.4.32',
    verdict: 'never',
    driver: MPTSCSIH,
    driverVersion: '1.00 to 2.06',
    source: 'the sources of mainline 2.4.7 to 2.4.31',
  },
  {
    product: 'mainline 2.4.32 and later 2.4',
    from: '2.4.32',
    before: '2.5.0',
    verdict: 'never',
    driver: MPTSCSIH,
    inferred: true,
    source: 'as 2.4.31: the branch was written for 2.6',
  },
  {
    product: 'mainline 2.5.0 to 2.6.14-rc2',
    from: '2.5.0',
    before: '2.6.14-rc.3',
    verdict: 'never',
    driver: MPTSCSIH,
    driverVersion: '1.02 to 3.03.02',
    caveats: [UNDERRUN],
    source: `before ${INTRODUCED}`,
  },
  {
    product: 'mainline 2.6.14-rc3 to 2.6.21',
    from: '2.6.14-rc.3',
    before: '2.6.22-rc.1',
    verdict: 'affected',
    driver: MPTSCSIH,
    driverVersion: '3.03.03 to 3.04.04',
    source: `from ${INTRODUCED} to ${REMOVED}`,
  },
  {
    product: 'mainline 2.6.22-rc1 and later',
    from: '2.6.22-rc.1',
    verdict: 'fixed',
    how: 'removed',
    driver: MPTSCSIH,
    driverVersion: '3.04.04 and later',
    source: REMOVED,
  },
];

/**
 * The tags after which the verdict changed. A tree from a later state than its tag (-git5, -mm1, +) may or may not have
 * the change, so the table does not decide for those.
 */
export const TAGS_BEFORE_A_CHANGE: readonly string[] = ['2.6.14-rc.2', '2.6.21'];
