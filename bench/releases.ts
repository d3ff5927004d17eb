import { execFileSync } from 'node:child_process';
import type { BenchKernel } from './kernel.ts';

/** A kernel that the distro's lists have: what uname -r says of it, and its package's version. */
export interface Offered {
  readonly release: string;
  readonly version: string;
}

/**
 * Of those that are offered, the ones that are built from the kernel's own source (their upstream version is the same) and
 * bring the driver, newest first. Debian's kernels for clouds do not.
 */
export function sameSource({ release, version }: Offered, offered: readonly Offered[]): readonly string[] {
  const upstream = (of: string): string => of.replace(/-[^-]*$/, '');
  const others = offered.filter(
    (one) =>
      one.release !== release && upstream(one.version) === upstream(version) && !/cloud/.test(one.release),
  );
  const newestFirst = new Intl.Collator('en', { numeric: true }).compare;
  return [...new Set(others.map((one) => one.release))].sort((a, b) => newestFirst(b, a));
}

/** The same of the lists of this machine's archives; empty where they have none. */
export function otherReleases(kernel: Pick<BenchKernel, 'release' | 'version'>): readonly string[] {
  const flavour = /-([a-z]\w*)$/.exec(kernel.release)?.[1] ?? '';
  const names = execFileSync('apt-cache', ['pkgnames', 'linux-image-']).toString().split('\n');
  const wanted = names.filter((name) => /^linux-image-\d/.test(name) && name.endsWith(`-${flavour}`));
  if (wanted.length === 0) return [];
  const shown = execFileSync('apt-cache', ['show', ...wanted], { maxBuffer: 1e8 }).toString();
  const stanza = /^Package: linux-image-(?<release>\S+)$[\s\S]*?^Version: (?<version>\S+)$/gm;
  const offered = [...shown.matchAll(stanza)].map(({ groups = {} }) => ({
    release: groups.release ?? '',
    version: groups.version ?? '',
  }));
  return sameSource(kernel, offered);
}
