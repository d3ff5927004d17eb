import { LIMITS } from '../limits.ts';
import type { TargetReads } from '../machine/port.ts';
import { packageVersion } from '../names.ts';

type Reads = Pick<TargetReads, 'readText' | 'list'>;

/** dpkg's database: a stanza for each package, with an empty line after each. */
export const DPKG_STATUS = '/var/lib/dpkg/status';

function stanzaOf(status: string, name: string): string | undefined {
  const first = `Package: ${name}\n`;
  // No copy of a text of some megabytes for the sake of its first line.
  const start = status.startsWith(first) ? 0 : status.indexOf(`\n${first}`);
  if (start < 0) return undefined;
  const end = status.indexOf('\n\n', start);
  return status.slice(start, end < 0 ? undefined : end);
}

/** The version of the first of these packages that is installed, from the text of dpkg's database. */
export function installedVersion(status: string, names: readonly string[]): string | undefined {
  return ofFirstInstalled(status, names, (stanza) => packageVersion(/^Version: (\S+)$/m.exec(stanza)?.[1]));
}

/** The architecture of the first of them; undefined also where that package is for all. */
export function installedArchitecture(status: string, names: readonly string[]): string | undefined {
  return ofFirstInstalled(status, names, (stanza) => {
    // Source: dpkg's tupletable; a hostile tree's word goes into a file of apt's.
    const name = /^Architecture: ([a-z][a-z0-9]*(?:-[a-z0-9]+)*)$/m.exec(stanza)?.[1];
    return name === 'all' ? undefined : name;
  });
}

function ofFirstInstalled(
  status: string,
  names: readonly string[],
  read: (stanza: string) => string | undefined,
): string | undefined {
  for (const name of names) {
    const stanza = stanzaOf(status, name) ?? '';
    const found = read(stanza);
    if (found !== undefined && /^Status: .* installed$/m.test(stanza)) return found;
  }
  return undefined;
}

/** Packages whose scripts would rebuild the module index or the initramfs, as Debian and Ubuntu name them. */
const packagesOf = (release: string): readonly string[] => [
  `linux-image-${release}`,
  `linux-image-unsigned-${release}`,
  `linux-image-${release}-unsigned`,
  `linux-modules-${release}`,
  `linux-modules-extra-${release}`,
  'initramfs-tools',
  'dracut',
  'kmod',
];

/** dpkg's states of a package that is not finished, with what is missing. Source: dpkg(1), "Package states". */
const UNFINISHED: Readonly<Record<string, string>> = {
  'half-installed': 'its installation was started and not finished',
  unpacked: 'it is unpacked, but not configured',
  'half-configured': 'its configuration was started and not finished',
  'triggers-awaited': 'it waits for another package’s trigger',
  'triggers-pending': 'its trigger, which may rebuild the initramfs, has not run yet',
};

/**
 * What dpkg has not finished and would change the kernel's modules or its initramfs when somebody finishes it
 * (`dpkg --configure -a`). One line each for a person; empty where nothing is open, or there is no dpkg.
 */
export async function unfinishedPackages(target: Reads, release: string): Promise<readonly string[]> {
  const problems: string[] = [];
  const updates = (await target.list('/var/lib/dpkg/updates')).filter((name) => /^\d+$/.test(name));
  if (updates.length > 0)
    problems.push('dpkg was interrupted: /var/lib/dpkg/updates holds changes that it had not recorded yet');
  const status = (await target.readText(DPKG_STATUS, LIMITS.indexBytes)) ?? '';
  for (const name of packagesOf(release)) {
    const state = /^Status: \S+ \S+ (\S+)$/m.exec(stanzaOf(status, name) ?? '')?.[1];
    const missing = state !== undefined && Object.hasOwn(UNFINISHED, state) ? UNFINISHED[state] : undefined;
    if (missing !== undefined) problems.push(`package ${name} is ${state}: ${missing}`);
  }
  return problems;
}
