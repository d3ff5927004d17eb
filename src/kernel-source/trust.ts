import { basename } from 'node:path';
import type { ArchiveOptions } from '../build-options.ts';
import { failure } from '../errors.ts';

/** A package that no signature vouches for, and why not. */
export interface Unsigned {
  readonly path: string;
  readonly sha256: string;
  readonly why: string;
}

/**
 * Whether a package is one that the user names by its SHA-256: that vouches for it, whatever its signature is.
 */
export function isNamed(sha256: string, { sha256: named }: Pick<ArchiveOptions, 'sha256'>): boolean {
  return named.includes(sha256);
}

/** Throws E_SIGNATURE unless the user vouches for the package, by its sum or for all of them. */
export function requireVouched({ path, sha256, why }: Unsigned, archives: ArchiveOptions): void {
  if (archives.allowUnsigned || isNamed(sha256, archives)) return;
  throw failure(
    'E_SIGNATURE',
    `nothing vouches for ${basename(path)} (SHA-256 ${sha256}): ${why}`,
    'compare this sum with the one that the distro publishes, then give it with --sha256; --allow-unsigned takes every package',
  );
}
