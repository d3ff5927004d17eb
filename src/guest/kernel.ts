import { failure } from '../errors.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import type { Target, TargetReads } from '../machine/port.ts';
import { kernelBase } from '../versions/kernel-base.ts';

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
export const KERNEL_RELEASE = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}$/;

/**
 * The kernel that `--kernel` names; else, on this machine, the running one; in a tree its only one. The controller's
 * own kernel is never taken for a tree's. Throws E_KERNEL_UNKNOWN or E_KERNEL_AMBIGUOUS.
 */
export async function kernelFacts(target: Target, wanted: string | undefined): Promise<KernelFacts> {
  const running = target.kind === 'local' ? await runningRelease(target) : undefined;
  const release = wanted ?? running ?? (await onlyRelease(target));
  if (!KERNEL_RELEASE.test(release)) {
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
      'say which with --kernel KERNEL_RELEASE',
    );
  }
  return first;
}

/** Every kernel that has a module folder. */
export async function kernelReleases(target: Target): Promise<readonly string[]> {
  const names = (await target.list(MODULES_FOLDER)).filter((name) => KERNEL_RELEASE.test(name));
  const folders = await Promise.all(names.map((name) => target.stat(`${MODULES_FOLDER}/${name}`)));
  return names.filter((_, index) => folders[index]?.type === 'directory');
}

type Reads = Pick<TargetReads, 'readText' | 'readRange' | 'stat'>;

/**
 * The version of the package that brought a kernel: needed because a release such as 6.1.0-56-amd64 does not say
 * that it is 6.1.192-2. First the package database, then what the kernel's image says of itself.
 */
export async function kernelPackageVersion(target: Reads, release: string): Promise<string | undefined> {
  return (await fromDpkg(target, release)) ?? (await fromImage(target, release));
}

const DPKG_STATUS = '/var/lib/dpkg/status';

async function fromDpkg(target: Reads, release: string): Promise<string | undefined> {
  const status = await target.readText(DPKG_STATUS);
  if (status === undefined) return undefined;
  return installedVersion(status, [
    `linux-image-${release}`,
    `linux-modules-${release}`,
    `linux-image-${release}-unsigned`,
  ]);
}

/** Version of the first of the packages that the dpkg database says is installed. */
export function installedVersion(status: string, names: readonly string[]): string | undefined {
  for (const name of names) {
    const start = `\n${status}`.indexOf(`\nPackage: ${name}\n`);
    if (start < 0) continue;
    const end = status.indexOf('\n\n', start);
    const stanza = status.slice(start, end < 0 ? undefined : end);
    if (!/^Status: .* installed$/m.test(stanza)) continue;
    const version = /^Version: (\S+)$/m.exec(stanza)?.[1];
    if (version !== undefined) return version;
  }
  return undefined;
}

/** Source: Documentation/x86/boot.rst, fields `header` and `kernel_version` of the setup header. */
const SETUP = { header: 0x202, magic: 'HdrS', versionPointer: 0x20e, pointerBase: 0x200 };

/**
 * An x86 image carries `KERNEL_RELEASE (builder) #1 SMP … Debian 6.1.192-2 (date)` uncompressed: Debian writes its package
 * version there.
 */
async function fromImage(target: Reads, release: string): Promise<string | undefined> {
  const path = `/boot/vmlinuz-${release}`;
  if ((await target.stat(path))?.type !== 'file') return undefined;
  try {
    const head = await target.readRange(path, 0, 64 * 1024);
    if (head.toString('latin1', SETUP.header, SETUP.header + 4) !== SETUP.magic) return undefined;
    const start = head.readUInt16LE(SETUP.versionPointer) + SETUP.pointerBase;
    const banner = head.toString('latin1', start, head.indexOf(0, start));
    if (!banner.startsWith(`${release} `)) return undefined;
    return /\sDebian (\d\S*) \(/.exec(banner)?.[1];
  } catch {
    // An image that may not be read (0600), or is none: not an answer, and not an error.
    return undefined;
  }
}
