import { closeSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { beneath } from './beneath.ts';
import { handlePath, openPlace } from './places.ts';

/** How this process reaches the files of a target. */
interface Reach {
  /** What a path leads to, as a descriptor that only names it. */
  readonly place: <T>(path: string, use: (place: number) => Promise<T>) => Promise<T>;
  /** What a path leads to, as a path for one system call. */
  readonly target: <T>(path: string, use: (path: string) => Promise<T>) => Promise<T>;
  /** The last name, not followed where it is a link, as a path for one system call. */
  readonly name: <T>(path: string, use: (path: string) => Promise<T>) => Promise<T>;
}

/** How files below `root` are reached; `/` is this machine. */
export function reachOf(root: string): Reach {
  return root === '/' ? DIRECTLY : inTree(root);
}

/** This machine's own kernel follows the links, in one call. */
const DIRECTLY: Reach = {
  place: async (path, use) => {
    const place = await openPlace(absolute(path));
    try {
      return await use(place);
    } finally {
      closeSync(place);
    }
  },
  target: async (path, use) => use(absolute(path)),
  name: async (path, use) => use(absolute(path)),
};

function inTree(root: string): Reach {
  const place: Reach['place'] = (path, use) =>
    beneath({ root, path, upTo: 'target' }, async (found) => {
      if (found.place === undefined) throw found.missing;
      return use(found.place);
    });
  return {
    place,
    target: (path, use) => place(path, (descriptor) => use(handlePath(descriptor))),
    name: (path, use) => beneath({ root, path, upTo: 'name' }, async (found) => use(found.name())),
  };
}

function absolute(path: string): string {
  if (!isAbsolute(path)) throw new Error(`not an absolute path: ${path}`);
  return path;
}
