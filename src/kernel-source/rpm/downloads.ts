import { join } from 'node:path';
import { LIMITS } from '../../limits.ts';
import type { Target } from '../../machine/port.ts';
import { privateCacheFolder } from '../../work/cache.ts';

/** Files that were fetched before, whole or as far as they came. What they hold is checked each time as if it were new. */
export interface KeptDownloads {
  /** Copies what is kept of a file to a path; does nothing where nothing is. */
  take(name: string, to: string): Promise<void>;
  keep(name: string, from: string): Promise<void>;
  forget(name: string): Promise<void>;
}

const NONE: KeptDownloads = { take: async () => {}, keep: async () => {}, forget: async () => {} };

/** The source and two packages of a dozen kernels. */
const MAX_BYTES = 2 * 1024 * 1024 * 1024;

/** This user's folder of fetched packages (0700), beside the cache; `keeps`: false with --no-cache. */
export async function keptDownloads(machine: Target, keeps: boolean): Promise<KeptDownloads> {
  const folder = keeps ? await privateCacheFolder('packages') : undefined;
  if (folder === undefined) return NONE;
  const at = (name: string): string => join(folder, name);
  const isFile = async (path: string): Promise<boolean> => (await machine.lstat(path))?.type === 'file';
  return {
    take: async (name, to) => {
      if (await isFile(at(name))) await machine.copy(at(name), to);
    },
    keep: async (name, from) => {
      try {
        if (!(await isFile(from))) return;
        await machine.copy(from, at(name));
        await prune(machine, folder);
      } catch {
        // A full disk must not stop what was fetched for.
      }
    },
    forget: async (name) => {
      if (await isFile(at(name))) await machine.remove(at(name));
    },
  };
}

/** Removes the oldest. */
async function prune(machine: Target, folder: string): Promise<void> {
  const names = (await machine.list(folder))
    .filter((name) => name.endsWith('.rpm'))
    .slice(0, LIMITS.folderEntries);
  const files = await Promise.all(
    names.map(async (name) => ({ name, status: await machine.lstat(join(folder, name)) })),
  );
  let bytes = 0;
  for (const { name, status } of files.toSorted(
    (a, b) => Number(b.status?.mtime ?? 0) - Number(a.status?.mtime ?? 0),
  )) {
    bytes += status?.size ?? 0;
    if (bytes > MAX_BYTES) await machine.remove(join(folder, name));
  }
}
