/** An architecture whose modules mptfix can patch and prove: ESX gave its guests no other. */
export interface Architecture {
  /** As `readElf` names a module's machine. */
  readonly name: 'x86_64' | 'i386';
  /** The ELF class of its modules. A module of x86_64 with 32 bits (x32) has no kernel. */
  readonly bits: 32 | 64;
  /** What the kernel's make calls it. */
  readonly kernel: string;
  /** What ld calls the form of its objects (-m). Source: arch/x86/Makefile, arch/i386/Makefile of 2.6.9. */
  readonly emulation: string;
  /** What dpkg calls it. */
  readonly debian: string;
  /** What starts its programs: PT_INTERP of what Linux distros build for it. */
  readonly loader: string;
  /**
   * `process.arch` of the machines whose own gcc makes code for it. The tree's Makefile adds -m32 itself: Red Hat's 2.6.9, and
   * mainline 2.6.15, 2.6.18, 2.6.27 and 6.1 were read. It includes no header of the C library and links with no library,
   * so that gcc alone is enough: neither gcc-multilib nor libc6-dev-i386 was installed where 6.1 was built.
   */
  readonly machines: readonly string[];
}

export const ARCHITECTURES: readonly Architecture[] = [
  {
    name: 'x86_64',
    bits: 64,
    kernel: 'x86_64',
    emulation: 'elf_x86_64',
    debian: 'amd64',
    loader: '/lib64/ld-linux-x86-64.so.2',
    machines: ['x64'],
  },
  {
    name: 'i386',
    bits: 32,
    kernel: 'i386',
    emulation: 'elf_i386',
    debian: 'i386',
    loader: '/lib/ld-linux.so.2',
    machines: ['x64'],
  },
];

/** The architecture of a module that `readElf` has read; undefined where mptfix cannot patch it. */
export function architectureOf(elf: {
  readonly machineName: string;
  readonly class: 32 | 64;
}): Architecture | undefined {
  return ARCHITECTURES.find(({ name, bits }) => name === elf.machineName && bits === elf.class);
}
