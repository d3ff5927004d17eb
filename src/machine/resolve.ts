import { lstat, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';

/** As the kernel's own limit, MAXSYMLINKS. */
const MAX_LINKS = 40;

/**
 * Resolves a guest's absolute path below `root` as the guest's kernel would: an absolute link starts again at the root,
 * and `..` never climbs above it. What does not exist is appended unchanged, so that the result names the place where
 * it would be created.
 *
 * `followLast: false` does not follow a link in the last place (lstat, unlink, rename).
 */
export async function resolveInRoot(root: string, path: string, followLast = true): Promise<string> {
  if (!posix.isAbsolute(path)) throw new Error(`not an absolute path: ${path}`);
  const pending = components(path);
  const done: string[] = [];
  let links = 0;
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (part === '..') {
      done.pop();
      continue;
    }
    done.push(part);
    if (!followLast && pending.length === 0) break;
    const target = await linkText(join(root, ...done));
    if (target === undefined) continue;
    links += 1;
    if (links > MAX_LINKS)
      throw Object.assign(new Error(`too many symbolic links: ${path}`), { code: 'ELOOP' });
    if (posix.isAbsolute(target)) done.length = 0;
    else done.pop();
    pending.unshift(...components(target));
  }
  return join(root, ...done);
}

function components(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

async function linkText(path: string): Promise<string | undefined> {
  try {
    const status = await lstat(path);
    return status.isSymbolicLink() ? await readlink(path) : undefined;
  } catch {
    return undefined;
  }
}
