import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { UseTarget } from '../../src/guest/in-use.ts';

/** A text is a file; `{ link }` a symbolic link, relative as sysfs has them. */
export type Entries = Readonly<Record<string, string | { readonly link: string }>>;

/** Files in a folder of their own, seen as a machine's root, for as long as the test runs. */
export async function treeTarget(entries: Entries, kind: UseTarget['kind'] = 'local'): Promise<UseTarget> {
  const root = await mkdtemp(join(tmpdir(), 'mptfix-tree-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  for (const [path, entry] of Object.entries(entries)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    if (typeof entry === 'string') await writeFile(join(root, path), entry);
    else await symlink(entry.link, join(root, path));
  }
  return {
    kind,
    readText: (path) => readFile(join(root, path), 'utf8').catch(() => undefined),
    list: async (path) => (await readdir(join(root, path)).catch(() => [])).sort(),
    hostPath: (path) => realpath(join(root, path)),
  };
}
