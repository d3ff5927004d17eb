import type { Distro } from '../guest/distro.ts';
import { readDistro } from '../guest/distro.ts';
import { type DriverUse, driverInUse } from '../guest/in-use.ts';
import { type KernelFacts, kernelFacts } from '../guest/kernel.ts';
import { isBuiltIn, type ModuleFile, moduleFile } from '../guest/module-file.ts';
import type { Target } from '../machine/port.ts';
import { defined } from '../optional.ts';

/** What was read of a guest; nothing is decided yet. */
export interface Facts {
  readonly target: { readonly kind: Target['kind']; readonly name: string };
  readonly distro: Distro;
  readonly kernel: KernelFacts;
  /** Absent where the kernel has no such module: it has no such driver, or has it built in. */
  readonly module?: ModuleFile;
  readonly builtIn: boolean;
  readonly use: DriverUse;
}

export interface FactsOptions {
  /** `--kernel RELEASE`. */
  readonly kernel: string | undefined;
  /** The names that the driver may have on that kernel, the likeliest first. */
  readonly modules: (distro: Distro, kernel: KernelFacts) => readonly string[];
}

/** Reads all that a verdict and a plan need. Needs no root on a usual guest, and writes nothing. */
export async function gatherFacts(target: Target, options: FactsOptions): Promise<Facts> {
  const distro = await readDistro(target);
  const kernel = await kernelFacts(target, options.kernel);
  const names = options.modules(distro, kernel);
  const module = await moduleFile(target, kernel.release, names);
  const builtIn = (await Promise.all(names.map((name) => isBuiltIn(target, kernel.release, name)))).some(
    Boolean,
  );
  return {
    target: { kind: target.kind, name: target.name },
    distro,
    kernel,
    ...defined({ module }),
    builtIn,
    use: await driverInUse(target),
  };
}
