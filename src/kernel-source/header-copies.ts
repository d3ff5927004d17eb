import { mkdir } from 'node:fs/promises';
import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { takeTree } from '../work/take-tree.ts';
import type { Workspace } from '../work/workspace.ts';

export interface TakenPart {
  /** What a sandbox shows: a folder of this machine. */
  readonly folder: string;
  readonly digest: string;
  readonly links: readonly { readonly path: string; readonly text: string }[];
  /** The folder is still empty: fills it. */
  readonly copyNow?: () => Promise<void>;
}

/** Reads a part whole; what a sandbox cannot show where it is, it gets as a copy. */
export async function takePart(
  origin: Target,
  path: string,
  {
    user,
    copy,
    copyLater,
    signal,
  }: Pick<Workspace, 'user'> & {
    readonly copy: string;
    readonly copyLater: boolean;
    readonly signal: AbortSignal | undefined;
  },
): Promise<TakenPart> {
  const options = { bounds: LIMITS.headers, signal };
  const { isHere } = traitsOf(origin);
  const read = isHere || copyLater ? await takeTree(origin, path, options) : undefined;
  if (isHere && read !== undefined && (user === undefined || read.isOpenToAll))
    return { ...read, folder: path };
  if (!copyLater || read === undefined)
    return { ...(await takeTree(origin, path, { ...options, into: copy })), folder: copy };
  await mkdir(copy, { recursive: true, mode: 0o755 });
  const copyNow = async (): Promise<void> => {
    const { digest } = await takeTree(origin, path, { ...options, into: copy });
    if (digest !== read.digest) throw changed(path);
  };
  return { ...read, folder: copy, copyNow };
}

function changed(path: string): Error {
  return failure(
    'E_FILE_CHANGED',
    `${path} changed while it was read`,
    'wait until whatever writes to it has ended (a package manager?), and run the same command again',
  );
}
