import { failure } from '../errors.ts';
import { type Distro, readDistro } from '../guest/distro.ts';
import type { KernelIdentity } from '../guest/document.ts';
import type { Target } from '../machine/port.ts';
import { versionOrder } from '../versions/kernel-base.ts';
import { kernelName } from '../versions/kernel-name.ts';
import { DEBIAN_PROVIDERS } from './apt/providers.ts';
import type { NamedKernel, Provider } from './provider.ts';
import type { PackageRequest } from './request.ts';
import { rpmVersion } from './rpm/package.ts';
import { RED_HAT_PROVIDERS } from './rpm/redhat.ts';
import { SUSE_PROVIDERS } from './rpm/suse.ts';

/** Every distro whose packages mptfix knows, a row for each era. */
export const PROVIDERS: readonly Provider[] = [...DEBIAN_PROVIDERS, ...RED_HAT_PROVIDERS, ...SUSE_PROVIDERS];

/** The row of a distro, by its id, and of a kernel, by its base version; undefined where none is known. */
export function providerFor(distroId: string, base: string): Provider | undefined {
  return PROVIDERS.find(
    ({ distros, from, before }) =>
      distros.includes(distroId) &&
      (from === undefined || versionOrder(base, from) >= 0) &&
      (before === undefined || versionOrder(base, before) < 0),
  );
}

/** A kernel's release taken apart; `base` where its package knows better. Undefined where it does not show its version. */
export function namedKernel(release: string, base?: string | null): NamedKernel | undefined {
  const known = kernelName(release);
  return known === undefined ? undefined : { ...known, base: base ?? known.base };
}

/** A distro's row for a kernel, with the kernel's name taken apart. Throws E_DISTRO_UNKNOWN, E_SOURCE_MISSING. */
export function requireProvider(
  distro: Pick<Distro, 'id' | 'pretty'>,
  { release, base }: { readonly release: string; readonly base?: string | null | undefined },
  options: { readonly source?: string | undefined; readonly headers?: string | undefined } = {},
): { readonly provider: Provider; readonly kernel: NamedKernel } {
  const missing = (['source', 'headers'] as const).filter((name) => options[name] === undefined);
  const next = `give ${missing.map((name) => `--${name}`).join(' and ')}; both must belong to exactly this kernel`;
  const kernel = namedKernel(release, base);
  const provider = providerFor(distro.id, kernel?.base ?? '');
  if (provider === undefined) {
    throw failure(
      'E_DISTRO_UNKNOWN',
      `mptfix does not know where the distro ${JSON.stringify(distro.pretty)} keeps its kernel source and headers`,
      next,
    );
  }
  if (kernel !== undefined) return { provider, kernel };
  throw failure(
    'E_SOURCE_MISSING',
    `${release} does not show its kernel version, so mptfix cannot name its packages`,
    next,
  );
}

/** What to fetch for a kernel of a guest. Throws as `requireProvider` does. */
export async function packageRequest(
  guest: Target,
  {
    kernel: { release, base, packageVersion },
    ...rest
  }: Pick<PackageRequest, 'architecture' | 'archives' | 'keeps'> & { readonly kernel: KernelIdentity },
): Promise<Omit<PackageRequest, 'wants'>> {
  return {
    ...requireProvider(await readDistro(guest), { release, base }),
    version: packageVersion ?? undefined,
    guest,
    ...rest,
  };
}

/** How a kind of archives is asked, and how its packages are named to a person. */
const ARCHIVES: Readonly<
  Record<
    Provider['archives'],
    {
      /** Whether a guest's own settings do not say where its packages are. */
      readonly needsMirror: boolean;
      readonly version: (kernel: NamedKernel, packageVersion: string | undefined) => string | null;
      readonly sourceName: (name: string, provider: Provider) => string;
    }
  >
> = {
  apt: {
    needsMirror: false,
    version: (_, packageVersion) => packageVersion ?? null,
    sourceName: (name) => name,
  },
  rpm: {
    needsMirror: true,
    version: (kernel) => rpmVersion(kernel),
    sourceName: (name, { source }) => (source === 'spec' ? `${name}.src` : name),
  },
};

/** The packages of source and headers, as a plan names them. */
export function namedPackages(
  { provider, kernel }: ReturnType<typeof requireProvider>,
  packageVersion: string | undefined,
): {
  readonly headers: string;
  readonly source: string;
  readonly version: string | null;
  readonly needsMirror: boolean;
} {
  const { needsMirror, version, sourceName } = ARCHIVES[provider.archives];
  const { headers, source } = provider.packages(kernel);
  return {
    headers: headers[0] ?? '',
    source: sourceName(source, provider),
    version: version(kernel, packageVersion),
    needsMirror,
  };
}
