import { ARCHITECTURES, architectureOf } from '../architectures.ts';
import type { BuildOptions } from '../build-options.ts';
import { readElf } from '../elf/elf.ts';
import { failure } from '../errors.ts';
import type { Job } from './job.ts';

type Shipped = Pick<Job, 'shipped'>;
type Given = Pick<BuildOptions, 'makeVars'>;

/**
 * Throws E_ARCH_UNSUPPORTED where the guest's module is for an architecture that mptfix cannot prove, or that this
 * machine's compiler does not make code for and no --make-var names another compiler.
 */
export function requireBuildable({ shipped }: Shipped, { makeVars }: Given): void {
  const elf = readElf(shipped.bytes);
  const architecture = architectureOf(elf);
  if (architecture === undefined) {
    const known = ARCHITECTURES.map(({ name }) => name).join(' and ');
    throw failure(
      'E_ARCH_UNSUPPORTED',
      `the guest’s module is for ${elf.machineName} (${elf.class} bits), and mptfix patches and proves modules of ${known} only`,
      `make the change of patches/ in the kernel’s source by hand, and build the module on a machine of ${elf.machineName}`,
    );
  }
  const { name, machines } = architecture;
  if (machines.includes(process.arch) || makeVars.some((word) => /^(?:CC|CROSS_COMPILE)=/.test(word))) return;
  throw failure(
    'E_ARCH_UNSUPPORTED',
    `the guest’s module is for ${name}, and the compiler of this machine (${process.arch}) is not`,
    'run mptfix on an x86-64 machine, or give a compiler for it: --make-var CROSS_COMPILE=x86_64-linux-gnu-',
  );
}

/**
 * What make must be told of the architecture: the module's counts, not what `uname -m` says on this machine. Empty where
 * the user says it, or nothing is known.
 */
export function architectureVars({ shipped }: Shipped, { makeVars }: Given): readonly string[] {
  const architecture = architectureOf(readElf(shipped.bytes));
  if (architecture === undefined || makeVars.some((word) => word.startsWith('ARCH='))) return [];
  return [`ARCH=${architecture.kernel}`];
}
