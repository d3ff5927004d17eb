/** How a distro names what is needed. The names are data; how they are fetched is the family's. */
export interface Provider {
  /** Ids as `Distro.id`. */
  readonly distros: readonly string[];
  readonly family: 'debian';
  /** The packages that bring the kernel's modules, this driver among them. */
  readonly modules: (release: string) => readonly string[];
  /** The package with the build folder. */
  readonly headers: (release: string) => string;
  /** The package with the source's tarball; `series` is X.Y, of 2.6 kernels X.Y.Z. */
  readonly source: (series: string) => string;
  /** The package that depends on the newest kernel, by Debian's name of the architecture. */
  readonly newest: (architecture: string) => string;
}

export const PROVIDERS: readonly Provider[] = [
  {
    distros: ['debian', 'raspbian', 'devuan', 'kali'],
    family: 'debian',
    modules: (release) => [`linux-image-${release}`],
    headers: (release) => `linux-headers-${release}`,
    source: (series) => `linux-source-${series}`,
    newest: (architecture) => `linux-image-${architecture}`,
  },
  {
    distros: ['ubuntu', 'linuxmint', 'pop'],
    family: 'debian',
    modules: (release) => [`linux-modules-${release}`, `linux-modules-extra-${release}`],
    headers: (release) => `linux-headers-${release}`,
    source: (series) => `linux-source-${series.split('.').length > 2 ? series : `${series}.0`}`,
    newest: () => 'linux-image-generic',
  },
];

/** The provider of a distro, by its id; undefined where none is known. */
export function providerFor(distroId: string): Provider | undefined {
  return PROVIDERS.find(({ distros }) => distros.includes(distroId));
}

/** Where the source or the headers come from. */
export type Origin =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'guest'; readonly path: string }
  /** No headers: the source itself is configured as the guest's kernel was. */
  | { readonly kind: 'tree' }
  | { readonly kind: 'package'; readonly name: string; readonly version: string | null };

/** An origin in words, for pages and manifests. */
export function originText(origin: Origin): string {
  if (origin.kind === 'package')
    return `package ${origin.name}${origin.version === null ? '' : ` ${origin.version}`}`;
  if (origin.kind === 'tree') return 'the whole source, configured as the guest’s kernel';
  return origin.kind === 'guest' ? `the guest’s ${origin.path}` : origin.path;
}
