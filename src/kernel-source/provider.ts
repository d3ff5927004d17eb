import type { Family } from '../guest/distro.ts';
import type { KernelName } from '../versions/kernel-name.ts';

/** What names the packages of one kernel: its release, taken apart, with the base version as its package knows it. */
export type NamedKernel = KernelName;

/** The packages of one kernel. */
export interface PackageNames {
  /** Those that bring its modules, this driver among them. */
  readonly modules: readonly string[];
  /** The one with the build folder first, then others that this needs and does not name itself. */
  readonly headers: readonly string[];
  readonly source: string;
}

/** What is in the package with the source. */
export type SourceForm =
  /** A tarball in /usr/src. */
  | 'tarball'
  /** The patched tree in /usr/src. */
  | 'tree'
  /** A source RPM: a tarball, and a spec file that names the patches. */
  | 'spec';

/**
 * How a family of distros packed its kernels in one era. Names and layout are data, a row for each; how packages of one
 * kind of archives are fetched is `obtain`'s. Nothing else knows distros.
 */
export interface Provider {
  readonly family: Exclude<Family, 'unknown'>;
  /** Ids as `Distro.id`. */
  readonly distros: readonly string[];
  /** The kernels of this era, by the mainline version that they are based on: from this one, and before that one. */
  readonly from?: string;
  readonly before?: string;
  readonly archives: 'apt' | 'rpm';
  readonly packages: (kernel: NamedKernel) => PackageNames;
  readonly source: SourceForm;
  /** Where the package puts a tree, as `buildFolder` has it. */
  readonly sourceFolder?: readonly (string | RegExp)[];
  /** Whether a package that was built again has a further number, which `uname -r` does not show: 122.20.1 for 122.20. */
  readonly rebuilds?: boolean;
  /** Where the packages put the build folder, below /: the names of the folders on the way, or what they look like. */
  readonly buildFolder: (kernel: NamedKernel) => readonly (string | RegExp)[];
  /** The package that depends on the newest kernel, by Debian's name of the architecture. */
  readonly newest?: (architecture: string) => string;
  /** What of this row is known from where. */
  readonly facts: string;
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
