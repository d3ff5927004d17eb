import { join } from 'node:path';
import { failure } from '../../errors.ts';
import type { Target } from '../../machine/port.ts';
import { packageRoot } from '../../package-root.ts';

/** Where npm and packages put them on a guest. */
const NODES: readonly string[] = ['/usr/local/bin/node', '/usr/bin/node'];
const PACKAGES: readonly string[] = [
  '/usr/local/lib/node_modules/mptfix',
  '/usr/lib/node_modules/mptfix',
  '/usr/share/nodejs/mptfix',
  '/opt/mptfix',
];

/**
 * How mptfix is started on the guest: as now on this machine, in a tree by what is installed there. Throws
 * E_TOOLS_MISSING where the tree has it not.
 */
export async function guestProgram(target: Target): Promise<readonly [node: string, main: string]> {
  if (target.kind === 'local') return [process.execPath, join(packageRoot(), 'bin', 'mptfix.cjs')];
  const node = await firstThere(target, NODES);
  const main = await firstThere(
    target,
    PACKAGES.map((folder) => `${folder}/bin/mptfix.cjs`),
  );
  if (node !== undefined && main !== undefined) return [node, main];
  throw failure(
    'E_TOOLS_MISSING',
    `${target.name} has no ${node === undefined ? 'Node' : 'mptfix'} that the schedule could start`,
    'install it there (npm install --global mptfix), or copy src/watch/sh/mptfix-watch.sh, which needs no Node',
  );
}

async function firstThere(target: Target, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if ((await target.stat(path).catch(() => undefined)) !== undefined) return path;
  return undefined;
}
