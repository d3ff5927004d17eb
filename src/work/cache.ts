import { homedir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../hash.ts';
import { LIMITS } from '../limits.ts';
import { makeFolders } from '../machine/folders.ts';
import type { FileStat, Target } from '../machine/port.ts';
import { localTarget } from '../machine/tree.ts';

/** Results of earlier runs on this machine, by the hash of all that went into them. A miss is never an error. */
export interface Cache {
  get(key: string): Promise<Buffer | undefined>;
  put(key: string, content: Uint8Array): Promise<void>;
}

export const noCache: Cache = { get: async () => undefined, put: async () => {} };

/** What is kept only when it is known to be good. */
export interface LateCache extends Cache {
  /** Keeps what was put. */
  commit(): Promise<void>;
}

/** Reads the cache, and holds back what is put until somebody commits it. */
export function lateCache(cache: Cache): LateCache {
  const held = new Map<string, Uint8Array>();
  return {
    get: cache.get,
    put: async (key, content) => void held.set(key, content),
    commit: async () => {
      for (const [key, content] of held) await cache.put(key, content);
    },
  };
}

/** A driver's source and two builds of it have some 1.5 MB: the newest entries of a dozen kernels. */
const MAX_ENTRIES = 36;
const ENTRY = /^[0-9a-f]{64}$/;
/** Hash of the content, and a line feed, stand before it: a torn or damaged entry is not believed. */
const HEAD_BYTES = 65;

/**
 * This user's cache (0700): below XDG_CACHE_HOME, else /var/cache for root and ~/.cache for others. A folder that anybody else
 * could write to is not used: what comes out of it is installed into a kernel.
 */
export async function openCache(): Promise<Cache> {
  const folder = await privateCacheFolder();
  return folder === undefined ? noCache : folderCache(localTarget({ dryRun: false }), folder);
}

/** The cache's folder, or one below it; undefined where it cannot be made, or is not this user's alone. */
export async function privateCacheFolder(...below: readonly string[]): Promise<string | undefined> {
  const folder = join(cacheHome(), 'mptfix');
  const machine = localTarget({ dryRun: false });
  try {
    await makeFolders(machine, join(folder, ...below), 0o700);
  } catch {
    return undefined;
  }
  return (await isPrivate(machine, folder)) ? join(folder, ...below) : undefined;
}

function cacheHome(): string {
  const configured = process.env.XDG_CACHE_HOME;
  if (configured?.startsWith('/')) return configured;
  return process.geteuid?.() === 0 ? '/var/cache' : join(homedir(), '.cache');
}

async function isPrivate(machine: Target, folder: string): Promise<boolean> {
  return isOwn(await machine.lstat(folder), 'directory');
}

/** Each entry, too: a folder above the cache may be somebody else's, who can put another in its place. */
function isOwn(status: FileStat | undefined, type: FileStat['type']): boolean {
  return status?.type === type && status.uid === process.geteuid?.() && (status.mode & 0o077) === 0;
}

function folderCache(machine: Target, folder: string): Cache {
  return {
    get: async (key) => {
      const path = join(folder, sha256(key));
      if (!isOwn(await machine.lstat(path), 'file')) return undefined;
      const file = await machine.read(path, LIMITS.moduleBytes);
      const content = file.subarray(HEAD_BYTES);
      if (`${sha256(content)}\n` === file.toString('latin1', 0, HEAD_BYTES)) return content;
      await machine.remove(path);
      return undefined;
    },
    put: async (key, content) => {
      try {
        const head = Buffer.from(`${sha256(content)}\n`);
        await machine.write(join(folder, sha256(key)), Buffer.concat([head, content]), { mode: 0o600 });
        await prune(machine, folder);
      } catch {
        // A full disk must not fail a build that is done.
      }
    },
  };
}

async function prune(machine: Target, folder: string): Promise<void> {
  const names = (await machine.list(folder)).filter((name) => ENTRY.test(name));
  if (names.length <= MAX_ENTRIES) return;
  const dated = await Promise.all(
    names.map(async (name) => ({
      name,
      time: Number((await machine.lstat(join(folder, name)))?.mtime ?? 0),
    })),
  );
  dated.sort((a, b) => b.time - a.time);
  for (const { name } of dated.slice(MAX_ENTRIES)) await machine.remove(join(folder, name));
}
