import { createHash } from 'node:crypto';
import { LIMITS } from '../limits.ts';
import type { TargetReads } from '../machine/port.ts';

type Reads = Pick<TargetReads, 'read' | 'readText'>;

/** Where dpkg keeps the checksums of the packages that bring a kernel's modules, as Debian and Ubuntu name them. */
export const packageSums = (release: string): readonly string[] =>
  [
    `linux-image-${release}`,
    `linux-modules-${release}`,
    `linux-modules-extra-${release}`,
    `linux-image-unsigned-${release}`,
    `linux-image-${release}-unsigned`,
  ].map((name) => `/var/lib/dpkg/info/${name}.md5sums`);

/**
 * Whether a module is to the byte what its package has unpacked; null where that cannot be compared. dpkg keeps a checksum
 * of each file (dpkg(1), "DIR/info/PACKAGE.md5sums"); rpm's are in a database that only rpm reads.
 */
export async function isAsPackaged(target: Reads, release: string, path: string): Promise<boolean | null> {
  const names = [path, path.replace(/^\/lib\//, '/usr/lib/')].map((name) => name.slice(1));
  for (const sums of packageSums(release)) {
    const list = (await target.readText(sums, LIMITS.indexBytes)) ?? '';
    const known = names.map((file) => sumIn(list, file)).find((sum) => sum !== undefined);
    if (known === undefined) continue;
    const content = await target.read(path, LIMITS.moduleBytes);
    return createHash('md5').update(content).digest('hex') === known;
  }
  return null;
}

/** The checksum of a line `SUM  FILE`. */
function sumIn(list: string, file: string): string | undefined {
  const at = `\n${list}`.indexOf(`  ${file}\n`);
  return at < 0
    ? undefined
    : /(?:^|\n)([0-9a-f]{32})$/.exec(`\n${list}`.slice(Math.max(0, at - 33), at))?.[1];
}
