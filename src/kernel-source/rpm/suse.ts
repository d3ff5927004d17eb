import type { Provider } from '../provider.ts';

const SUSE = {
  family: 'suse',
  distros: ['sles', 'sled', 'opensuse'],
  archives: 'rpm',
  source: 'tree',
  // The link /usr/src/linux leads to it.
  sourceFolder: ['usr', 'src', /^linux-(?!.*-obj$)/],
  // A package that was built again for a dependency has a further number, which `uname -r` does not show.
  rebuilds: true,
  buildFolder: ({ flavour }) => ['usr', 'src', /^linux-.*-obj$/, /./, flavour],
} as const satisfies Partial<Provider>;

export const SUSE_PROVIDERS: readonly Provider[] = [
  {
    ...SUSE,
    before: '2.6.27',
    packages: ({ flavour }) => ({
      modules: [`kernel-${flavour}`],
      headers: ['kernel-syms', 'kernel-source'],
      source: 'kernel-source',
    }),
    facts:
      'SLES 9 and 10, openSUSE to 11.0: kernel-syms has linux-REL-obj/ARCH/FLAVOUR, kernel-source the patched tree',
  },
  {
    ...SUSE,
    from: '2.6.27',
    packages: ({ flavour }) => ({
      modules: [`kernel-${flavour}`],
      headers: [`kernel-${flavour}-devel`, 'kernel-devel'],
      source: 'kernel-source',
    }),
    facts:
      'SLES 11 to 15, openSUSE since 11.1: kernel-FLAVOUR-devel has the build folder, kernel-devel what it includes',
  },
];
