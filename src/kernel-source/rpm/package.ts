import { compareRpm } from '../../versions/rpm.ts';
import type { NamedKernel, Provider } from '../provider.ts';

/** What an RPM says of itself, or its archive's index does. */
export interface RpmIdentity {
  readonly name: string;
  readonly version: string;
  readonly release: string;
  /** `x86_64`, `i686`, `noarch`; of a source RPM the architecture that it was made on. */
  readonly architecture: string;
  readonly isSource: boolean;
}

/** An RPM somewhere: how its archive finds it again, and how large it is. */
export interface FoundRpm extends RpmIdentity {
  /** A path or a URL. */
  readonly location: string;
  /** Bytes. */
  readonly size: number;
}

/** One of the packages of a kernel. */
export interface WantedRpm {
  readonly name: string;
  readonly isSource: boolean;
  readonly purpose: 'headers' | 'source';
}

/** A package's file as everybody calls it. */
export function fileName({ name, version, release, architecture, isSource }: RpmIdentity): string {
  return `${name}-${version}-${release}.${isSource ? 'src' : architecture}.rpm`;
}

/** The version and release that the packages of a kernel have. */
export function rpmVersion({ numbers, distroPart }: Pick<NamedKernel, 'numbers' | 'distroPart'>): string {
  return distroPart === '' ? numbers : `${numbers}-${distroPart}`;
}

/**
 * The architectures of the packages that hold a module of this machine, the likeliest first. ia32e: Red Hat's name of Intel's
 * x86-64 in RHEL 3. Of one release RHEL 3 and Fedora Core built for several processors: the vermagic proof tells them apart.
 */
const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x86_64: ['x86_64', 'ia32e', 'noarch'],
  i386: ['i686', 'i586', 'athlon', 'i486', 'i386', 'noarch'],
};

/** Those of the packages that are the wanted one of this kernel, the best first. */
export function fitting<Found extends RpmIdentity>(
  packages: readonly Found[],
  { name, isSource }: WantedRpm,
  {
    provider: { rebuilds },
    kernel,
    architecture,
  }: {
    readonly provider: Pick<Provider, 'rebuilds'>;
    readonly kernel: NamedKernel;
    readonly architecture: string;
  },
): readonly Found[] {
  const wanted = rpmVersion(kernel);
  const known =
    kernel.architecture === undefined ? ARCHITECTURES[architecture] : [kernel.architecture, 'noarch'];
  const rank = (found: RpmIdentity): number =>
    (known ?? [architecture, 'noarch']).indexOf(found.architecture);
  return packages
    .filter((found) => found.name === name && found.isSource === isSource)
    .filter((found) => isSource || rank(found) >= 0)
    .filter((found) => isVersion(`${found.version}-${found.release}`, wanted, rebuilds === true))
    .toSorted((a, b) => (isSource ? 0 : rank(a) - rank(b)) || compareRpm(b.release, a.release));
}

function isVersion(found: string, wanted: string, rebuilds: boolean): boolean {
  return (
    found === wanted ||
    (rebuilds && found.startsWith(`${wanted}.`) && /^\d+$/.test(found.slice(wanted.length + 1)))
  );
}
