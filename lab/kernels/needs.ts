import type { Needed } from '../../scripts/install-missing.ts';

/** What makes the kernels: `mptfix demo` and `mptfix build` on this machine, and guests of other releases. */
export const KERNEL_NEEDS: readonly Needed[] = [
  ['gcc', 'gcc'],
  ['make', 'make'],
  ['strip', 'binutils'],
  ['bwrap', 'bubblewrap'],
  ['depmod', 'kmod'],
  ['xz', 'xz-utils'],
  ['zstd', 'zstd'],
  ['flock', 'util-linux'],
  ['mmdebstrap', 'mmdebstrap'],
  ['/usr/share/keyrings/debian-archive-keyring.gpg', 'debian-archive-keyring'],
];
