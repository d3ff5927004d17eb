import type { Architecture } from '../../src/architectures.ts';

/** A kernel that the lab boots: the newest of its kind in Debian's archives. */
export interface LabKernel {
  /** As records and `--only` name it. */
  readonly name: string;
  readonly codename: string;
  readonly architecture: Architecture['name'];
  /** As the meta packages name it: `linux-image-FLAVOUR`. */
  readonly flavour: string;
  /** Of `qemu-system-NAME`. */
  readonly qemu: 'x86_64' | 'i386';
}

/**
 * One for each generation of the driver's surroundings that can still be had, and one of 32 bits. Debian 10 and older
 * have been taken out of the archives that a machine is set up for.
 */
export const KERNELS: readonly LabKernel[] = [
  {
    name: '5.10-amd64',
    codename: 'bullseye',
    architecture: 'x86_64',
    flavour: 'amd64',
    qemu: 'x86_64',
  },
  { name: '6.1-amd64', codename: 'bookworm', architecture: 'x86_64', flavour: 'amd64', qemu: 'x86_64' },
  { name: '6.1-686-pae', codename: 'bookworm', architecture: 'i386', flavour: '686-pae', qemu: 'i386' },
  { name: '6.12-amd64', codename: 'trixie', architecture: 'x86_64', flavour: 'amd64', qemu: 'x86_64' },
];
