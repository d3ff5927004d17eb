import type { TargetReads } from '../machine/port.ts';

type Reads = Pick<TargetReads, 'readText' | 'list'>;

/** Those whose scripts would rebuild the module index or the initramfs, in Debian's and Ubuntu's names. */
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

/** dpkg's states in which something is still to be done, and what. Source: dpkg(1), "Package states". */
const UNFINISHED: Readonly<Record<string, string>> = {
  'half-installed': 'its installation was started and not finished',
  unpacked: 'it is unpacked, but not configured',
  'half-configured': 'its configuration was started and not finished',
  'triggers-awaited': 'it waits for another package’s trigger',
  'triggers-pending': 'its trigger, which may rebuild the initramfs, has not run yet',
};

/**
 * What dpkg has left undone that would touch the kernel's modules or its initramfs when somebody ends it
 * (`dpkg --configure -a`). One line each for a person; empty where all is done, or there is no dpkg.
 */
export async function unfinishedPackages(target: Reads, release: string): Promise<readonly string[]> {
  const problems: string[] = [];
  const updates = (await target.list('/var/lib/dpkg/updates')).filter((name) => /^\d+$/.test(name));
  if (updates.length > 0)
    problems.push('dpkg was interrupted: /var/lib/dpkg/updates holds changes that it had not recorded yet');
  const status = `\n${(await target.readText('/var/lib/dpkg/status')) ?? ''}`;
  for (const name of packagesOf(release)) {
    const state = stateOf(status, name);
    const words = state !== undefined && Object.hasOwn(UNFINISHED, state) ? UNFINISHED[state] : undefined;
    if (words !== undefined) problems.push(`package ${name} is ${state}: ${words}`);
  }
  return problems;
}

/** The third word of a stanza's Status. */
function stateOf(status: string, name: string): string | undefined {
  const start = status.indexOf(`\nPackage: ${name}\n`);
  if (start < 0) return undefined;
  const end = status.indexOf('\n\n', start);
  return /^Status: \S+ \S+ (\S+)$/m.exec(status.slice(start, end < 0 ? undefined : end))?.[1];
}
