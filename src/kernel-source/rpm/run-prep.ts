import { join } from 'node:path';
import { failure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { requireTools, TOOLS } from '../../machine/tools.ts';
import type { Workspace } from '../../work/workspace.ts';
import type { UnpackOptions } from '../archive.ts';
import { DRIVER_FOLDER } from '../driver-files.ts';

export interface PrepRequest {
  /** Where the source RPM was unpacked. */
  readonly folder: string;
  readonly name: string;
  readonly spec: string;
  /** As rpm calls it. */
  readonly architecture: string;
}

/**
 * Runs a spec's %prep by rpmbuild, in a sandbox without a network, as the workspace's user. What it needs to be built is not
 * asked for. Returns the tree that it leaves. Throws E_SOURCE_PREP.
 */
export async function runPrep(
  workspace: Workspace,
  { folder, name, spec, architecture }: PrepRequest,
  { progress, signal }: UnpackOptions,
): Promise<string> {
  const { machine, user } = workspace;
  await requireTools(machine, [TOOLS.rpmbuild, TOOLS.patch]);
  const work = await workspace.userFolder('prep');
  progress.note(`running the %prep of ${spec}`);
  const define = [
    ...['_topdir /prep', '_builddir /prep', '_sourcedir /spec', '_specdir /spec'],
    ...['_dbpath /tmp/rpm', '_tmppath /tmp'],
  ].flatMap((words) => ['--define', words]);
  const result = await machine.run(
    ['rpmbuild', '-bp', '--nodeps', '--noclean', ...define, '--target', architecture, join('/spec', spec)],
    {
      effect: 'write',
      user,
      signal,
      onLine: (line) => progress.note(line),
      env: { HOME: '/tmp' },
      sandbox: {
        readOnly: [{ from: folder, to: '/spec' }],
        writable: [{ from: work, to: '/prep' }],
        limits: LIMITS.build,
      },
    },
  );
  signal?.throwIfAborted();
  if (result.status === 0) return treeIn(workspace, work, name);
  const words = result.stderr.trim().split('\n');
  throw failure(
    'E_SOURCE_PREP',
    `the %prep of ${name} failed here: ${words.find((line) => /rror|FAILED/.test(line)) ?? words.at(-1)}`,
    'prepare the source by hand (rpmbuild -bp, on the distro itself) and give it with --source',
  );
}

/** The one tree with the driver. Red Hat's specs keep the unpatched one beside it, and link the two. */
async function treeIn({ machine }: Workspace, work: string, name: string): Promise<string> {
  const trees: string[] = [];
  let level: readonly string[] = [work];
  for (let depth = 0; depth < 3 && trees.length === 0; depth += 1) {
    const below: string[] = [];
    for (const folder of level) {
      for (const entry of await machine.list(folder)) {
        const path = join(folder, entry);
        if (entry.startsWith('vanilla') || (await machine.lstat(path))?.type !== 'directory') continue;
        below.push(path);
        if ((await machine.lstat(join(path, DRIVER_FOLDER)))?.type === 'directory') trees.push(path);
      }
    }
    level = below;
  }
  const [tree, ...others] = trees;
  if (tree !== undefined && others.length === 0) return tree;
  throw failure(
    'E_SOURCE_PREP',
    `the %prep of ${name} left ${trees.length} trees with ${DRIVER_FOLDER}, and not one`,
    'prepare the source by hand (rpmbuild -bp) and give the tree with --source',
  );
}
