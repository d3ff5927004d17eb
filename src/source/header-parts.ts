import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type { TargetReads } from '../target/port.ts';

/**
 * A build folder of Debian is not whole: its Makefile names `/usr/src/linux-headers-…-common` and its links lead to
 * `/usr/lib/linux-kbuild-X.Y`. This finds every folder that belongs to it, where it really is.
 */
export interface HeaderPart {
  /** What the build folder calls it: an absolute path. */
  readonly named: string;
  /** Where it is on the target. */
  readonly path: string;
}

type Reads = Pick<TargetReads, 'stat' | 'readText' | 'readLink' | 'list'>;

/** The parts that a build folder needs beside itself, each once; what it names and does not exist is in `missing`. */
export async function headerParts(
  origin: Reads,
  buildFolder: string,
): Promise<{ readonly parts: readonly HeaderPart[]; readonly missing: readonly string[] }> {
  const parts = new Map<string, HeaderPart>();
  const missing = new Set<string>();
  const queue = [buildFolder];
  const add = async (named: string, candidates: readonly string[]): Promise<void> => {
    if (parts.has(named) || named === buildFolder) return;
    const path = await firstFolder(origin, candidates);
    if (path === undefined) {
      missing.add(named);
      return;
    }
    parts.set(named, { named, path });
    queue.push(path);
  };
  for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
    const makefile = (await origin.readText(join(folder, 'Makefile'))) ?? '';
    // Only a short forwarding Makefile names its tree; a kernel's own Makefile has such paths in prose.
    if (makefile.length < 4096) {
      for (const named of namedFolders(makefile)) await add(named, candidatesFor(buildFolder, named));
    }
    for (const name of await origin.list(folder)) {
      const target = await origin.readLink(join(folder, name));
      if (target === undefined) continue;
      const named = packageFolder(resolve(folder, target));
      if (isInside(resolve(folder, target), folder) || !isKernelFolder(named)) continue;
      // A relative link means just one place, wherever the packages were unpacked.
      await add(named, isAbsolute(target) ? candidatesFor(buildFolder, named) : [named]);
    }
  }
  return { parts: [...parts.values()], missing: [...missing] };
}

/** The absolute folders below /usr/src and the library folders that a Makefile includes from. */
export function namedFolders(makefile: string): readonly string[] {
  const found = makefile.matchAll(/(?:^|[\s=:"'(])(\/(?:usr\/src|usr\/lib|lib)\/[\w.+~-]+)/gm);
  return [...new Set([...found].map((match) => match[1] as string))];
}

/** `…/linux-kbuild-6.1/scripts` belongs to the package folder `…/linux-kbuild-6.1`. */
function packageFolder(path: string): string {
  return /^linux-/.test(basename(dirname(path))) ? dirname(path) : path;
}

/** Where kernels and their build tools lie; a link to anywhere else brings nothing of the guest's into the copy. */
function isKernelFolder(path: string): boolean {
  return /\/(usr\/src|usr\/lib|lib)\/(linux|kernels)[\w.+~/-]*$/.test(path);
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/**
 * The packages may have been unpacked below a folder of their own: `T/usr/src/linux-headers-R` then means
 * `T/usr/src/…-common` where it says `/usr/src/…-common`. The machine's own comes last.
 */
function candidatesFor(buildFolder: string, named: string): readonly string[] {
  const prefix = /^(.*)\/usr\/src\/[^/]+$/.exec(buildFolder)?.[1] ?? '';
  return [`${prefix}${named}`, join(dirname(buildFolder), basename(named)), named];
}

async function firstFolder(origin: Reads, candidates: readonly string[]): Promise<string | undefined> {
  for (const candidate of candidates) {
    if ((await origin.stat(candidate))?.type === 'directory') return candidate;
  }
  return undefined;
}
