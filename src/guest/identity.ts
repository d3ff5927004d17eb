import type { Distro } from './distro.ts';
import type { KernelFacts } from './kernel.ts';
import type { ModuleFile } from './module-file.ts';

/** Which kernel a plan, a build or a manifest is about. */
export interface KernelIdentity {
  /** As `uname -r` prints it there. */
  readonly release: string;
  /** The mainline version that it is based on; null where neither release nor package says. */
  readonly base: string | null;
  /** The distro as it names itself. */
  readonly distro: string;
  readonly packageVersion: string | null;
}

/** Which module file, with which content. */
export type ModuleIdentity = Pick<ModuleFile, 'name' | 'path' | 'sha256'>;

export function kernelIdentity({
  kernel,
  distro,
}: {
  readonly kernel: KernelFacts;
  readonly distro: Distro;
}): KernelIdentity {
  return {
    release: kernel.release,
    base: kernel.base ?? null,
    distro: distro.pretty,
    packageVersion: kernel.packageVersion ?? null,
  };
}

export function moduleIdentity({ name, path, sha256 }: ModuleFile): ModuleIdentity {
  return { name, path, sha256 };
}
