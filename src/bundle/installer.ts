import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../package-root.ts';

/** The files of `sh/` in the order in which a shell reads them: each uses only what stands before it, and `main` runs. */
const PARTS = [
  'messages',
  'hashes',
  'self',
  'files',
  'json',
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
  'main',
] as const;

/** The sh installer of every bundle as one text, before anything is filled in. */
export async function readInstaller(): Promise<string> {
  const folder = join(packageRoot(), 'src/bundle/sh');
  const texts = await Promise.all(PARTS.map((part) => readFile(join(folder, `${part}.sh`), 'utf8')));
  return texts.map((text, at) => (at === 0 ? text : `\n# --- ${PARTS[at]}\n\n${text}`)).join('');
}
