import { Header } from 'tar';
import type { Workspace } from '../work/workspace.ts';

/** Files by their path below a folder. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** A tar comes in units of so many bytes (POSIX.1-2008, pax, ustar interchange format). */
const UNIT = 512;

/**
 * Puts files into a folder of the workspace's user. tar writes them as that user: where what it runs has put a link into
 * the folder meanwhile, root would follow it out.
 */
export async function layOut({ machine, user }: Workspace, folder: string, files: Files): Promise<void> {
  const result = await machine.run(['tar', '-x', '-m', '--no-same-owner', '-C', folder, '-f', '-'], {
    effect: 'write',
    input: tarOf(files),
    ...(user === undefined ? {} : { user }),
  });
  if (result.status !== 0) throw new Error(`the source cannot be laid out: ${result.stderr.trim()}`);
}

function tarOf(files: Files): Buffer {
  const parts: Uint8Array[] = [];
  for (const [path, content] of files) {
    const header = Buffer.alloc(UNIT);
    const needsMore = new Header({ path, size: content.length, mode: 0o644, type: 'File' }).encode(header, 0);
    if (needsMore) throw new Error(`a driver has no file with such a long name: ${path}`);
    parts.push(header, content, Buffer.alloc((UNIT - (content.length % UNIT)) % UNIT));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * UNIT)]);
}
