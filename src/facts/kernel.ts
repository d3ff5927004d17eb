import { failure } from '../errors.ts';
import { MODULES_FOLDER } from '../target/paths.ts';
import type { Target } from '../target/port.ts';
import { kernelBase } from '../versions/kernel-base.ts';
import { kernelPackageVersion } from './kernel-package.ts';

/** Which kernel of the guest is meant, and what is known of it. */
export interface KernelFacts {
  /** As `uname -r` says on it. */
  readonly release: string;
  /** The mainline version that it was made from, such as 6.1.192; as far as the release and its package tell. */
  readonly base: string | undefined;
  /** Version of the package that brought it, such as 6.1.192-2. */
  readonly packageVersion: string | undefined;
  /** Whether the guest runs it now; null for a tree that is not running. */
  readonly running: boolean | null;
}

/** A release becomes part of paths and of package names: letters, digits and these marks, as kernels have them. */
const RELEASE = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}$/;

/**
 * The kernel that `--kernel` names; else, on this machine, the running one; in a tree its only one. The controller's
 * own kernel is never taken for a tree's. Throws E_KERNEL_UNKNOWN or E_KERNEL_AMBIGUOUS.
 */
export async function kernelFacts(target: Target, wanted: string | undefined): Promise<KernelFacts> {
  const running = target.kind === 'local' ? await runningRelease(target) : undefined;
  const release = wanted ?? running ?? (await onlyRelease(target));
  if (!RELEASE.test(release)) {
    throw failure(
      'E_KERNEL_UNKNOWN',
      `${JSON.stringify(release.slice(0, 80))} is not a kernel release`,
      'give --kernel as uname -r says it on the guest, such as 2.6.18-8.el5',
    );
  }
  const packageVersion = await kernelPackageVersion(target, release);
  return {
    release,
    base: kernelBase(release, packageVersion)?.base,
    packageVersion,
    running: running === undefined ? null : running === release,
  };
}

async function runningRelease(target: Target): Promise<string | undefined> {
  return (await target.readText('/proc/sys/kernel/osrelease'))?.trim();
}

async function onlyRelease(target: Target): Promise<string> {
  const releases = await kernelReleases(target);
  const [first, ...others] = releases;
  if (first === undefined) {
    throw failure(
      'E_KERNEL_UNKNOWN',
      `${target.name} has no kernel in ${MODULES_FOLDER}`,
      'give --root the folder that holds the guest’s whole / with its /lib/modules',
    );
  }
  if (others.length > 0) {
    throw failure(
      'E_KERNEL_AMBIGUOUS',
      `${target.name} has ${releases.length} kernels: ${releases.join(', ')}`,
      'say which with --kernel RELEASE',
    );
  }
  return first;
}

/** Every kernel that has a module folder. */
export async function kernelReleases(target: Target): Promise<readonly string[]> {
  const names = (await target.list(MODULES_FOLDER)).filter((name) => RELEASE.test(name));
  const folders = await Promise.all(names.map((name) => target.stat(`${MODULES_FOLDER}/${name}`)));
  return names.filter((_, index) => folders[index]?.type === 'directory');
}
