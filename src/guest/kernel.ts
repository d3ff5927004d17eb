import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target, TargetReads } from '../machine/port.ts';
import { kernelRelease as asRelease, requireRelease } from '../names.ts';
import { typed } from '../typed.ts';
import { kernelBase } from '../versions/kernel-base.ts';
import type { Distro } from './distro.ts';
import type { KernelIdentity } from './document.ts';
import { DPKG_STATUS, installedArchitecture, installedVersion } from './dpkg-status.ts';
import { allReleases, kernelReleases } from './kernels.ts';

/** One kernel of the guest. */
export interface KernelFacts {
  /** As `uname -r` says on it. */
  readonly release: string;
  /** The mainline version that it is based on, such as 6.1.192, as far as the release and its package show. */
  readonly base: string | undefined;
  /** Version of the package that brought it, such as 6.1.192-2. */
  readonly packageVersion: string | undefined;
  /** Whether the guest runs it now; null for a tree that is not running. */
  readonly running: boolean | null;
}

export function kernelIdentity(facts: { kernel: KernelFacts; distro: Distro }): KernelIdentity {
  const { release, base = null, packageVersion = null } = facts.kernel;
  return { release, base, distro: facts.distro.pretty, packageVersion };
}

/**
 * The kernel that `--kernel` names, which the guest must have; else the running one of a machine that runs, or the only
 * one of a tree. The controller's own kernel is used for neither a tree nor a host. Throws E_KERNEL_UNKNOWN or E_KERNEL_AMBIGUOUS.
 */
export async function kernelFacts(target: Target, wanted: string | undefined): Promise<KernelFacts> {
  const running = traitsOf(target).isRunning
    ? (await target.readText('/proc/sys/kernel/osrelease', LIMITS.kernelBytes))?.trim()
    : undefined;
  const release = wanted ?? running ?? (await onlyRelease(target));
  requireRelease(release);
  if (release !== running && release === wanted) await requireKernel(target, release, running);
  const packageVersion = await kernelPackageVersion(target, release);
  return {
    release,
    base: kernelBase(release, packageVersion)?.base,
    packageVersion,
    running: running === undefined ? null : running === release,
  };
}

/** The most that a message names. */
const NAMED = 20;

async function requireKernel(target: Target, release: string, running: string | undefined): Promise<void> {
  const found = await allReleases(target);
  const all = running === undefined || found.includes(running) ? found : [...found, running];
  if (all.includes(release)) return;
  const more = all.length > NAMED ? `, and ${all.length - NAMED} more` : '';
  throw failure(
    'E_KERNEL_UNKNOWN',
    `${target.name} has no kernel ${release}${all.length === 0 ? '' : `; it has ${all.slice(0, NAMED).join(', ')}${more}`}`,
    all.length === 0
      ? 'give --root the folder that holds the guest’s whole / with its /lib/modules'
      : 'give --kernel one of these',
  );
}

async function onlyRelease(target: Target): Promise<string> {
  const withModules = await kernelReleases(target);
  const releases = withModules.length > 0 ? withModules : await allReleases(target);
  const [first, ...others] = releases;
  if (first === undefined) {
    const strange = (await target.list(MODULES_FOLDER)).filter((name) => asRelease(name) === undefined);
    const names = strange.slice(0, 3).map((name) => JSON.stringify(name.slice(0, 80)));
    throw failure(
      'E_KERNEL_UNKNOWN',
      `${target.name} has no kernel in ${MODULES_FOLDER}${names.length === 0 ? '' : `: ${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} no kernel release`}`,
      'give --root the folder that holds the guest’s whole / with its /lib/modules',
    );
  }
  if (others.length > 0) {
    throw failure(
      'E_KERNEL_AMBIGUOUS',
      `${target.name} has ${releases.length} kernels: ${releases.join(', ')}`,
      `say which with --kernel KERNEL_RELEASE; ${typed('check', ['--all-kernels'])} checks them all`,
    );
  }
  return first;
}

type Reads = Pick<TargetReads, 'readText' | 'readRange' | 'stat'>;

/**
 * The version of a kernel's package: needed because a release such as 6.1.0-56-amd64 does not say that it is 6.1.192-2.
 * From the package database, else from the kernel's image.
 */
export async function kernelPackageVersion(target: Reads, release: string): Promise<string | undefined> {
  const status = (await target.readText(DPKG_STATUS, LIMITS.indexBytes)) ?? '';
  return installedVersion(status, kernelPackages(release)) ?? (await fromImage(target, release));
}

/**
 * The architecture of a kernel's package, as dpkg calls it. It need not be the module's own: Debian had packages of i386
 * with a kernel of x86_64.
 */
export async function kernelPackageArchitecture(
  target: Pick<Reads, 'readText'>,
  release: string,
): Promise<string | undefined> {
  const status = (await target.readText(DPKG_STATUS, LIMITS.indexBytes)) ?? '';
  return installedArchitecture(status, kernelPackages(release));
}

const kernelPackages = (release: string): readonly string[] => [
  `linux-image-${release}`,
  `linux-modules-${release}`,
  `linux-image-${release}-unsigned`,
];

/** Source: Documentation/x86/boot.rst, fields `header` and `kernel_version` of the setup header. */
const SETUP = { header: 0x202, magic: 'HdrS', versionPointer: 0x20e, pointerBase: 0x200 };

/**
 * An x86 image has `RELEASE (builder) #1 SMP … Debian 6.1.192-2 (date)` uncompressed, with Debian's package version.
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
    // An image that may not be read (0600) or is none: no answer, but no error either.
    return undefined;
  }
}
