import { posix } from 'node:path';
import { LIMITS } from '../../limits.ts';
import { isCode } from '../file-errors.ts';
import { guestError } from './errno.ts';
import type { Answer } from './frames.ts';
import { type FolderEntry, parseFolder } from './listing.ts';
import type { Memory } from './memory.ts';
import { folderStates, NO_MORE } from './scripts.ts';

const LIMIT = { bytes: LIMITS.folderEntries * 256, timeoutMs: 120_000 } as const;

/** What folders that were listed as a whole say of what is in them: each entry, and that nothing else is there. */
interface KnownFolders {
  /** Asks for a folder. */
  ask(path: string): Promise<Answer>;
  /** Undefined where the folder around it is not known. */
  entry(path: string): Promise<FolderEntry | 'missing' | undefined>;
  /** Sorted; undefined where the folder is not known. */
  names(path: string): Promise<readonly string[] | undefined>;
}

type Entries = ReadonlyMap<string, FolderEntry>;

export function knownFolders(memory: Memory): KnownFolders {
  const parsed = new WeakMap<Answer, { readonly entries: Entries | undefined }>();
  const entriesOf = async (path: string): Promise<Entries | undefined> => {
    const answer = await memory.known(`folder ${path}`)?.catch(() => undefined);
    if (answer === undefined || answer.tooMuch) return undefined;
    const known = parsed.get(answer) ?? { entries: parse(path, answer) };
    parsed.set(answer, known);
    return known.entries;
  };
  return {
    ask: (path) => memory.recall(`folder ${path}`, folderStates(path), { ...LIMIT, about: path }),
    entry: async (path) => {
      const entries = path === '/' ? undefined : await entriesOf(posix.dirname(path));
      return entries === undefined ? undefined : (entries.get(posix.basename(path)) ?? 'missing');
    },
    names: async (path) => {
      const entries = await entriesOf(path);
      return entries === undefined ? undefined : [...entries.keys()].sort();
    },
  };
}

/** Nothing is in a folder that is not there. Undefined where this user may not look, or ls shows a name as it is not. */
function parse(path: string, { status, stdout, stderr }: Answer): Entries | undefined {
  if (status !== 0) return isCode(guestError(path, stderr), 'ENOENT', 'ENOTDIR') ? new Map() : undefined;
  const entries = parseFolder(stdout, NO_MORE, Date.now());
  return entries === undefined ? undefined : new Map(entries.map((one) => [one.name, one]));
}
