import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { linesOf } from '../lines.ts';

/**
 * The names in a folder of this machine at which nothing is mounted. To look at a mounted place is to ask its file system,
 * which may be a server that is gone, or a program of any user (FUSE) that never answers. Throws as readdir does.
 */
export async function unmountedNames(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  // Where the kernel has no such table, nothing is known to be mounted.
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const places = new Set([...linesOf(table)].map((line) => decodeOctal(line.split(' ')[4] ?? '')));
  const real = await realpath(folder);
  return names.filter((name) => !places.has(join(real, name)));
}

/**
 * Decodes the octal escapes of a mount table's or fstab's field: the kernel and fstab(5) write blank, tab, newline
 * and backslash (later kernels also `#`) as `\040`, `\011`, `\012`, `\134`. Anything else stays as it is.
 */
export function decodeOctal(field: string): string {
  return field.replace(/\\([0-3][0-7]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
