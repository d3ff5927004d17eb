import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../package-root.ts';

/** What the bundle’s watch has of the sh watch: the judgement of a file system, the memory, the mail. */
const SHARED = 'mptfix-watch';

/** The files of `sh/` in the order in which a shell reads them: each uses only what stands before it, and `main` runs. */
const PARTS = [
  'messages',
  'hashes',
  'self',
  'files',
  'json',
  SHARED,
  'generations',
  'undo',
  'guest',
  'images',
  'check',
  'status',
  'rollback',
  'space',
  'apply',
  'steps',
  'watch-options',
  'watch-report',
  'watch-mail',
  'watch-install',
  'watch',
  'main',
] as const;

/** The sh installer of every bundle as one text, before anything is filled in. */
export async function readInstaller(): Promise<string> {
  const folder = join(packageRoot(), 'src/bundle/sh');
  const texts = await Promise.all(
    PARTS.map((part) => (part === SHARED ? readShared() : readFile(join(folder, `${part}.sh`), 'utf8'))),
  );
  return texts.map((text, at) => (at === 0 ? text : `\n# --- ${PARTS[at]}\n\n${text}`)).join('');
}

async function readShared(): Promise<string> {
  const text = await readFile(join(packageRoot(), `src/watch/sh/${SHARED}.sh`), 'utf8');
  const shared = /^#@SHARED@\n(.*?)^#@END-SHARED@$/ms.exec(text)?.[1];
  if (shared === undefined) throw new Error(`${SHARED}.sh has no part for the bundle`);
  return shared;
}
