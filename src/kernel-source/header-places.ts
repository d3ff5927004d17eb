import type { Bind } from '../machine/program.ts';
import { type HeaderPart, unpackedBelow } from './header-parts.ts';

/** Where a sandbox shows each part: at every path by which another may name it. `folderOf`: a part's folder on this machine. */
export function partBinds(
  parts: readonly HeaderPart[],
  build: string,
  folderOf: (path: string) => string,
): Bind[] {
  return parts.flatMap((part) => placesOf(part, build).map((to) => ({ from: folderOf(part.path), to })));
}

/** The paths by which the parts name each other: a part's own, and what a Makefile calls it. */
export function placesOf({ named, path }: HeaderPart, build: string): readonly string[] {
  return [...new Set([placeOf(path, build), placeOf(named, build)])];
}

/** Packages that were unpacked below a folder of their own belong below `/`. */
export function placeOf(path: string, build: string): string {
  const prefix = unpackedBelow(build);
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
}
