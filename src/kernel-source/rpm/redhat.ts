import type { NamedKernel, Provider } from '../provider.ts';

/** Red Hat's rebuilds pack as it does, with their own marks in a release. */
const REBUILDS = [
  'rhel',
  'centos',
  'oracle',
  'scientific',
  'rocky',
  'almalinux',
  'asianux',
  'miraclelinux',
  'redflag',
  'redhatlinux',
  'fedora',
] as const;

const RED_HAT = {
  family: 'redhat',
  distros: REBUILDS,
  archives: 'rpm',
  rebuilds: false,
} as const satisfies Partial<Provider>;

/** kernel-smp of 2.6.9-34.ELsmp, kernel-debug of 5.14.0-503.el9.x86_64+debug, kernel of the one without a flavour. */
function named({ flavour }: NamedKernel, suffix = ''): string {
  return `kernel${flavour === '' ? '' : `-${flavour}`}${suffix}`;
}

/** UEK and the real-time kernel are built from sources of their own; every other flavour from the kernel's. */
function source({ flavour }: NamedKernel): string {
  const own = /^(?:uek|rt)(?=-|$)/.exec(flavour)?.[0];
  return own === undefined ? 'kernel' : `kernel-${own}`;
}

/** There is one: which name it has changed with every release. */
const IN_KERNELS: Provider['buildFolder'] = () => ['usr', 'src', 'kernels', /./];

export const RED_HAT_PROVIDERS: readonly Provider[] = [
  {
    ...RED_HAT,
    before: '2.6.0',
    packages: (kernel) => ({
      modules: [named(kernel)],
      headers: ['kernel-source'],
      source: 'kernel-source',
    }),
    source: 'tree',
    sourceFolder: ['usr', 'src', /^linux-2\.4\./],
    buildFolder: () => ['usr', 'src', /^linux-2\.4\./],
    facts: 'RHEL 2.1 and 3: kernel-source brings the patched tree, with configs/; there is no -devel',
  },
  {
    ...RED_HAT,
    from: '2.6.0',
    before: '4.18.0',
    packages: (kernel) => ({
      modules: [named(kernel)],
      headers: [named(kernel, '-devel')],
      source: source(kernel),
    }),
    source: 'spec',
    buildFolder: IN_KERNELS,
    facts:
      'RHEL 4 (kernel-smp-devel: /usr/src/kernels/2.6.9-34.EL-smp-i686) to 7: the spec of 4 and 5 patches a vanilla tarball, that of 6 and 7 has a patched one',
  },
  {
    ...RED_HAT,
    from: '4.18.0',
    packages: (kernel) => ({
      modules: [named(kernel, '-core'), named(kernel, '-modules')],
      headers: [named(kernel, '-devel')],
      source: source(kernel),
    }),
    source: 'spec',
    buildFolder: IN_KERNELS,
    facts: 'RHEL 8 and later, Fedora: kernel-core and kernel-modules; the source RPM has a patched tarball',
  },
];
