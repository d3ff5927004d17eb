import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { failure } from './errors.ts';

/**
 * The folder of mptfix itself, both in a checkout (src/) and bundled (dist/): the nearest one at or above `from` that
 * has mptfix's package.json. Throws E_INTERNAL where there is none.
 */
export function packageRoot(from: string = import.meta.dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (nameIn(folder) === 'mptfix') return folder;
    if (folder === dirname(folder))
      throw failure('E_INTERNAL', `mptfix’s own package.json is not above ${from}`, 'reinstall mptfix');
  }
}

/** mptfix's own version, from its package.json. */
export function toolVersion(): string {
  return JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')).version;
}

function nameIn(folder: string): unknown {
  try {
    const description: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof description === 'object' && description !== null && 'name' in description
      ? description.name
      : undefined;
  } catch {
    return undefined;
  }
}
