import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of mptfix itself, both in a checkout (src/) and bundled (dist/): the one with its package.json. */
export function packageRoot(): string {
  let folder = import.meta.dirname;
  for (;;) {
    if (nameIn(folder) === 'mptfix') return folder;
    const above = dirname(folder);
    if (above === folder) throw new Error('mptfix’s own package.json is not above its code');
    folder = above;
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
