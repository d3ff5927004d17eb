import { basename } from 'node:path/posix';
import { isModuleFile } from './module-file.ts';

/*
 * What modules.dep says of who needs whom. The depmod of every generation but modutils' lists all that a module needs, also
 * what its needs need. Names are those of the files, without suffix.
 */

/** The modules that the index says need this one, each once, in the order of the index. */
export function indexedDependents(modulesDep: string, needed: string): readonly string[] {
  const found = new Set<string>();
  // Only the lines that name it are looked at: there may be millions of others.
  for (let at = modulesDep.indexOf(`/${needed}.`); at >= 0; ) {
    const start = modulesDep.lastIndexOf('\n', at) + 1;
    const end = modulesDep.indexOf('\n', at);
    const line = modulesDep.slice(start, end < 0 ? undefined : end);
    at = end < 0 ? -1 : modulesDep.indexOf(`/${needed}.`, end);
    const colon = line.indexOf(':');
    const needs = line.slice(colon + 1).split(/\s+/);
    if (colon > 0 && needs.some((path) => isModuleFile(basename(path), needed)))
      found.add(basename(line.slice(0, colon)).replace(SUFFIX, ''));
  }
  return [...found];
}

const SUFFIX = /\.k?o(?:\.\w+)?$/;
