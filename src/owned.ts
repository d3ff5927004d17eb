import { dirname, join } from 'node:path';

/** What is asked of a file system; paths are absolute. */
export interface OwnerReads {
  /** Does not follow the last link; undefined where there is nothing. */
  readonly lstat: (path: string) => Promise<Owned | undefined>;
  readonly readLink: (path: string) => Promise<string | undefined>;
}

interface Owned {
  readonly type: 'file' | 'directory' | 'link' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** As many as the kernel follows (MAXSYMLINKS). */
const MOST_LINKS = 40;
const STICKY = 0o1000;

/**
 * Where somebody else than the owners could put another file in the place of this one: the file, or a folder or link on
 * the way to it, each step looked at. Undefined where nobody else can; what is missing is nobody's, and the end of it.
 */
export async function foreignPlace(
  reads: OwnerReads,
  path: string,
  owners: readonly number[],
): Promise<string | undefined> {
  let current = '/';
  let links = 0;
  const rest = path.split('/');
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      current = dirname(current);
      continue;
    }
    const next = join(current, name);
    const status = await reads.lstat(next);
    if (status === undefined) return undefined;
    if (!owners.includes(status.uid) || mayOthersWrite(status)) return next;
    if (status.type !== 'link') {
      current = next;
      continue;
    }
    links += 1;
    const text = await reads.readLink(next);
    if (text === undefined || links > MOST_LINKS) return next;
    if (text.startsWith('/')) current = '/';
    rest.unshift(...text.split('/'));
  }
  return undefined;
}

/** In a folder with the sticky bit (/tmp) others can add names, but replace none; each name in it is looked at itself. */
function mayOthersWrite({ type, mode, gid }: Owned): boolean {
  if (type === 'link' || type === 'other') return false;
  if (type === 'directory' && (mode & STICKY) !== 0) return false;
  // The group of root is root.
  return (mode & (gid === 0 ? 0o002 : 0o022)) !== 0;
}
