import { kernelSeries } from '../../versions/kernel-base.ts';
import type { NamedKernel, Provider } from '../provider.ts';

/** A row of Debian's family; what its rows have in common. */
const DEBIAN = {
  family: 'debian',
  archives: 'apt',
  source: 'tarball',
} as const satisfies Partial<Provider>;

/** The build folder has its package's name. */
function inUsrSrc(prefix: string): Provider['buildFolder'] {
  return ({ release }) => ['usr', 'src', `${prefix}${release}`];
}

/** X.Y.Z: until 3.0 that is the series; after it Ubuntu writes 0 for Z, whatever the stable update is. */
function ubuntuSeries({ base }: NamedKernel): string {
  const series = kernelSeries(base);
  return series.split('.').length > 2 ? series : `${series}.0`;
}

const DEBIANS = ['debian', 'raspbian', 'devuan', 'kali'] as const;
const UBUNTUS = ['ubuntu', 'linuxmint', 'pop'] as const;

export const DEBIAN_PROVIDERS: readonly Provider[] = [
  {
    ...DEBIAN,
    distros: DEBIANS,
    before: '2.6.12',
    packages: ({ release, numbers }) => ({
      modules: [`kernel-image-${release}`],
      headers: [`kernel-headers-${release}`],
      source: `kernel-source-${numbers}`,
    }),
    buildFolder: inUsrSrc('kernel-headers-'),
    facts: 'Debian 3.1: kernel-source-2.6.8, kernel-headers-2.6.8-2-686; renamed to linux-* with 2.6.12',
  },
  {
    ...DEBIAN,
    distros: DEBIANS,
    from: '2.6.12',
    packages: ({ release, base }) => ({
      modules: [`linux-image-${release}`],
      headers: [`linux-headers-${release}`],
      source: `linux-source-${kernelSeries(base)}`,
    }),
    buildFolder: inUsrSrc('linux-headers-'),
    // i386 has a kernel for each kind of processor; every guest of ESX has PAE.
    newest: (architecture) => `linux-image-${architecture === 'i386' ? '686-pae' : architecture}`,
    facts: 'Debian 4.0 (linux-source-2.6.18) to 12 (linux-source-6.1) and sid',
  },
  {
    ...DEBIAN,
    distros: UBUNTUS,
    before: '4.15',
    packages: (kernel) => ({
      modules: [`linux-image-${kernel.release}`],
      headers: [`linux-headers-${kernel.release}`],
      source: `linux-source-${ubuntuSeries(kernel)}`,
    }),
    buildFolder: inUsrSrc('linux-headers-'),
    facts: 'Ubuntu 6.06 (linux-source-2.6.15) to 16.04 (linux-source-4.4.0): the image has the modules',
  },
  {
    ...DEBIAN,
    distros: UBUNTUS,
    from: '4.15',
    packages: (kernel) => ({
      modules: [`linux-modules-${kernel.release}`, `linux-modules-extra-${kernel.release}`],
      headers: [`linux-headers-${kernel.release}`],
      source: `linux-source-${ubuntuSeries(kernel)}`,
    }),
    buildFolder: inUsrSrc('linux-headers-'),
    newest: () => 'linux-image-generic',
    facts: 'Ubuntu since 18.04: linux-image-… (signed) and linux-image-unsigned-… have the kernel alone',
  },
];
