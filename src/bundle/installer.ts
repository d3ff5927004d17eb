import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../package-root.ts';

/** The sh installer of every bundle, before anything is filled in. */
export function readInstaller(): Promise<string> {
  return readFile(join(packageRoot(), 'src/bundle/sh/mptfix-bundle.sh'), 'utf8');
}
