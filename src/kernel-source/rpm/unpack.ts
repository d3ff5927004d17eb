import { basename } from 'node:path';
import { failure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { requireTools, TOOLS } from '../../machine/tools.ts';
import type { Workspace } from '../../work/workspace.ts';

/**
 * Unpacks an RPM's files below a folder of the workspace's user, in a sandbox. bsdtar reads the packing itself: no scriptlet
 * of the package is ever run, and no name of it leads out of the folder.
 */
export async function unpackRpm(
  { machine, user }: Pick<Workspace, 'machine' | 'user'>,
  file: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await requireTools(machine, [TOOLS.bsdtar]);
  const place = '/unpacked';
  const result = await machine.run(['bsdtar', '-x', '-f', '-', '--no-same-owner', '-C', place], {
    effect: 'write',
    stdinFile: file,
    user,
    signal,
    sandbox: { readOnly: [], writable: [{ from: folder, to: place }], limits: LIMITS.build },
  });
  signal?.throwIfAborted();
  if (result.status === 0) return;
  throw failure(
    'E_FETCH',
    `${basename(file)} cannot be unpacked: ${result.stderr.trim().split('\n')[0]}`,
    'check that the disk of the work folder has space (--work), and fetch the package again',
  );
}
