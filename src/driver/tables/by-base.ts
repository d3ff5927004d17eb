import { FROM_BASE, INTRODUCED, type KernelRow, MPTSCSIH, REMOVED } from './kernel-row.ts';

/**
 * Vendors whose driver source was not read for every kernel: known is the mainline version that each started from.
 * A tilde sorts before everything in dpkg's and rpm's order, so that a span includes the release candidates.
 */

export const UBUNTU_ROWS: readonly KernelRow[] = [
  never('Ubuntu 4.10 to 5.10 (2.6.8 to 2.6.12)', '2.6.0~', '2.6.14~rc3'),
  affected('Ubuntu 6.06, 6.10 and 7.04 (2.6.15, 2.6.17, 2.6.20)', '2.6.14~rc3', '2.6.22~rc1'),
  fixed('Ubuntu 7.10 and later (2.6.22 and later)', '2.6.22~rc1'),
];

export const DEBIAN_ROWS: readonly KernelRow[] = [
  never('Debian with a kernel 2.4', '2.4.7', '2.5'),
  never('Debian sarge (2.6.8)', '2.6.0~', '2.6.14~rc3'),
  affected('Debian etch (2.6.18) and kernels of its age', '2.6.14~rc3', '2.6.22~rc1'),
  fixed('Debian etchnhalf (2.6.24), lenny (2.6.26) and later', '2.6.22~rc1', '6.1~'),
  {
    product: 'Debian bookworm (6.1)',
    from: '6.1~',
    before: '6.2~',
    verdict: 'fixed',
    how: 'removed',
    driver: MPTSCSIH,
    source: "Debian's source of 6.1, read and built",
  },
  fixed('Debian after bookworm (6.2 and later)', '6.2~'),
];

export const FEDORA_ROWS: readonly KernelRow[] = [
  never('Fedora Core 1 (2.4)', '2.4.7', '2.5'),
  never('Fedora Core 2 to 4 with a kernel before 2.6.14', '2.6.0~', '2.6.14~rc3'),
  affected('Fedora Core 4 to 6 and Fedora 7 with a kernel 2.6.14 to 2.6.21', '2.6.14~rc3', '2.6.22~rc1'),
  fixed('Fedora with a kernel 2.6.22 or later', '2.6.22~rc1'),
];

/**
 * SUSE's kernels, SLES and openSUSE, in rpm's order. First kernels by SUSE's list: SLES 9 2.6.5-7.97 to SP4
 * 2.6.5-7.308, SLES 10 2.6.16.21-0.8, SP1 2.6.16.46-0.12, SP2 2.6.16.60-0.21.
 */
export const SUSE_ROWS: readonly KernelRow[] = [
  never('SLES 8 and SUSE Linux with a kernel 2.4', '2.4.7', '2.5'),
  {
    product: 'SLES 9, SUSE Linux 9.1 (2.6.5)',
    from: '2.6.5',
    before: '2.6.6',
    verdict: 'unknown',
    driver: MPTSCSIH,
    caveats: ["SLES 9 has LSI's own driver: its kernel-source package or the module is needed to decide"],
    inferred: true,
    source: "SLES 9's kernel has vendor drivers whose source was not seen",
  },
  never('SUSE Linux 9.2 to 10.0 (2.6.8 to 2.6.13)', '2.6.6', '2.6.14~rc3'),
  affected('SLES 10 as released, SUSE Linux 10.1 (2.6.16)', '2.6.14~rc3', '2.6.16.46'),
  {
    product: 'SLES 10 SP1 and later (2.6.16.46, 2.6.16.60)',
    from: '2.6.16.46',
    before: '2.6.17~',
    verdict: 'unknown',
    driver: MPTSCSIH,
    caveats: ['A service pack may bring another driver: its kernel-source or the module is needed to decide'],
    inferred: true,
    source: 'base version 2.6.16 has the branch; the service packs came out while mainline removed it',
  },
  affected('openSUSE 10.2 (2.6.18)', '2.6.17~', '2.6.22~rc1'),
  fixed('SLES 11 (2.6.27), openSUSE 10.3 (2.6.22) and later', '2.6.22~rc1'),
];

function never(product: string, from: string, before: string): KernelRow {
  const source = `base version before ${INTRODUCED}`;
  return { product, from, before, verdict: 'never', ...FROM_BASE, source };
}

function affected(product: string, from: string, before: string): KernelRow {
  const source = `base version from ${INTRODUCED} to before ${REMOVED}`;
  return { product, from, before, verdict: 'affected', ...FROM_BASE, source };
}

function fixed(product: string, from: string, before?: string): KernelRow {
  const source = `base version after ${REMOVED}`;
  return { product, from, before, verdict: 'fixed', how: 'removed', ...FROM_BASE, source };
}
