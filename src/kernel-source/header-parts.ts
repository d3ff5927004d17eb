import { basename, dirname, isAbsolute, join, posix } from 'node:path';
import { LIMITS } from '../limits.ts';
import type { TargetReads } from '../machine/port.ts';

/**
 * A build folder of Debian is not complete: its Makefile names `/usr/src/linux-headers-…-common` and its links lead to
 * `/usr/lib/linux-kbuild-X.Y`. A part is one of the folders that belong to it, with its real place.
 */
export interface HeaderPart {
  /** What the build folder calls it: an absolute path. */
  readonly named: string;
  /** Where it is on the target. */
  readonly path: string;
  /** The folders that its Makefile names. */
  readonly names: readonly string[];
  /** The links in it, at any depth. */
  readonly links: readonly Link[];
}

type Reads = Pick<TargetReads, 'stat' | 'readText'>;

/** Reads a part's folder whole; answers the links in it. */
export type TakePart = (path: string) => Promise<readonly Omit<Link, 'leadsTo'>[]>;

/** A folder that is named, and the places where it may be. */
interface Wanted {
  readonly named: string;
  readonly candidates: readonly string[];
  /** Packages have dangling links far down; what a Makefile or a link at the top names must exist. */
  readonly isNeeded: boolean;
}

/**
 * The build folder and then the parts that it needs, each once by each of its names, and read once; `missing` has what it
 * needs and does not exist.
 */
export async function headerParts(
  origin: Reads,
  buildFolder: string,
  takePart: TakePart,
): Promise<{ readonly parts: readonly [HeaderPart, ...HeaderPart[]]; readonly missing: readonly string[] }> {
  const taken = new Map<string, ReturnType<TakePart>>();
  const take: TakePart = (path) => {
    const links = taken.get(path) ?? takePart(path);
    taken.set(path, links);
    return links;
  };
  const build = await readPart(origin, { named: buildFolder, path: buildFolder }, take);
  const parts: [HeaderPart, ...HeaderPart[]] = [build];
  const missing = new Set<string>();
  // The loop also visits the parts that it adds.
  for (const part of parts) {
    for (const { named, candidates, isNeeded } of wantedBy(part, buildFolder)) {
      if (parts.some((known) => isInside(named, known.named))) continue;
      const path = await firstFolder(origin, candidates);
      if (path !== undefined) parts.push(await readPart(origin, { named, path }, take));
      else if (isNeeded) missing.add(named);
    }
  }
  return { parts, missing: [...missing] };
}

async function readPart(
  origin: Reads,
  { named, path }: Pick<HeaderPart, 'named' | 'path'>,
  take: TakePart,
): Promise<HeaderPart> {
  const links = await take(path);
  const makefile = (await origin.readText(join(path, 'Makefile'), LIMITS.sourceBytes)) ?? '';
  return {
    named,
    path,
    // Only a short forwarding Makefile names its tree; a kernel's own Makefile has such paths in prose.
    names: makefile.length < 4096 ? namedFolders(makefile) : [],
    links: links.map((link) => ({ ...link, leadsTo: posix.resolve(dirname(link.path), link.text) })),
  };
}

function wantedBy({ path, names, links }: HeaderPart, buildFolder: string): readonly Wanted[] {
  const byMakefile = names.map((named) => ({
    named,
    candidates: candidatesFor(buildFolder, named),
    isNeeded: true,
  }));
  const byLinks = links
    .filter(({ leadsTo }) => !isInside(leadsTo, path))
    .map((link) => ({ link, named: packageFolder(link.leadsTo, buildFolder) }))
    .filter(({ named }) => isKernelFolder(named))
    .map(({ link, named }) => ({
      named,
      // A relative link means just one place, wherever the packages were unpacked.
      candidates: isAbsolute(link.text) ? candidatesFor(buildFolder, named) : [named],
      isNeeded: dirname(link.path) === path,
    }));
  return [...byMakefile, ...byLinks];
}

/** The absolute folders below /usr/src and the library folders that a Makefile includes from. */
export function namedFolders(makefile: string): readonly string[] {
  const found = makefile.matchAll(/(?:^|[\s=:"'(])(\/(?:usr\/src|usr\/lib|lib)\/[\w.+~-]+)/gm);
  return [...new Set([...found].map((match) => match[1] as string))];
}

/** `…/linux-kbuild-6.1/scripts/mod` belongs to the package folder `…/linux-kbuild-6.1`. */
function packageFolder(path: string, buildFolder: string): string {
  const folder = /^.*?\/(?:usr\/src|usr\/lib|lib)\/(?:kernels\/[^/]+|linux-[^/]+)/.exec(path)?.[0];
  // SUSE's build folder is itself deep in such a one.
  return folder === undefined || isInside(buildFolder, folder) ? path : folder;
}

/** Where kernels and their build tools are; a link to anywhere else brings nothing of the guest's into the copy. */
function isKernelFolder(path: string): boolean {
  return /\/(usr\/src|usr\/lib|lib)\/(linux|kernels)[\w.+~/-]*$/.test(path);
}

/** Where packages have their build folders: Debian's; Red Hat's; SUSE's, linux-REL-obj/ARCH/FLAVOUR. */
const BELOW_ROOT = /^(.*)\/usr\/src\/(?:[^/]+|kernels\/[^/]+|linux-[^/]+-obj\/[^/]+\/[^/]+)$/;

/** The folder that stands for `/` where the packages of a build folder were unpacked; empty where that is `/` itself. */
export function unpackedBelow(buildFolder: string): string {
  return BELOW_ROOT.exec(buildFolder)?.[1] ?? '';
}

/**
 * The packages may have been unpacked below a folder of their own: `T/usr/src/linux-headers-R` then means
 * `T/usr/src/…-common` where it says `/usr/src/…-common`. The machine's own comes last.
 */
function candidatesFor(buildFolder: string, named: string): readonly string[] {
  const prefix = unpackedBelow(buildFolder);
  return [`${prefix}${named}`, join(dirname(buildFolder), basename(named)), named];
}

async function firstFolder(origin: Reads, candidates: readonly string[]): Promise<string | undefined> {
  for (const candidate of candidates) {
    if ((await origin.stat(candidate))?.type === 'directory') return candidate;
  }
  return undefined;
}

/** A symbolic link as its own machine sees it. */
export interface Link {
  readonly path: string;
  /** What is written in it. */
  readonly text: string;
  /** The place that it names. */
  readonly leadsTo: string;
}

export function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
