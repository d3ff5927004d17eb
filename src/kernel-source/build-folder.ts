import { join } from 'node:path';
import { failure } from '../errors.ts';
import type { TargetReads } from '../machine/port.ts';

/**
 * The one folder below `root` whose path goes by these steps: a name, or what it looks like. Throws E_HEADERS_MISSING where
 * there is none, or more than one.
 */
export async function findFolder(
  machine: Pick<TargetReads, 'list' | 'lstat'>,
  root: string,
  steps: readonly (string | RegExp)[],
): Promise<string> {
  let level: readonly string[] = [''];
  for (const step of steps) {
    const next: string[] = [];
    for (const above of level) {
      const names = typeof step === 'string' ? [step] : await machine.list(join(root, above));
      for (const name of names) {
        if (typeof step !== 'string' && !step.test(name)) continue;
        // A link is another name of a folder that is looked at anyway.
        if ((await machine.lstat(join(root, above, name)))?.type === 'directory')
          next.push(join(above, name));
      }
    }
    level = next;
  }
  const [found, ...others] = level;
  if (found !== undefined && others.length === 0) return join(root, found);
  const place = steps.map((step) => (typeof step === 'string' ? step : '*')).join('/');
  throw failure(
    'E_HEADERS_MISSING',
    found === undefined
      ? `the packages have no build folder /${place}`
      : `the packages have ${level.length} build folders /${place}: ${level.map((one) => `/${one}`).join(', ')}`,
    'unpack the package with this kernel’s build folder by hand, and give it with --headers',
  );
}
