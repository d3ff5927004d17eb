import { kernelTableVerdict } from '../driver/tables/kernels.ts';
import type { Distro } from '../guest/distro.ts';
import type { KernelOfLog } from './incident.ts';

/** A kernel that something else than the log names. */
export interface NamedKernel {
  readonly release: string;
  /** `option`: the user says that the log is of it. `guest`: the guest has it now, and may have had another then. */
  readonly said: 'option' | 'guest';
}

/** What the tables of kernels say of the kernel that wrote a log. The distro is unknown where the log may be any machine's. */
export function kernelOfLog(
  { release, said }: Pick<KernelOfLog, 'release' | 'said'>,
  distro: Pick<Distro, 'id' | 'family'> = { id: 'unknown', family: 'unknown' },
): KernelOfLog {
  const { verdict, detail } = kernelTableVerdict({ distro, release });
  return { release, said, verdict, detail };
}

/** Whether a kernel's own driver surely has no such branch, as far as the tables know. */
export function cannotHaveBranch({ verdict }: KernelOfLog): boolean {
  return verdict === 'fixed' || verdict === 'never' || verdict === 'absent';
}
