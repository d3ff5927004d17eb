import { failure } from '../errors.ts';
import { STATE_FOLDER } from './paths.ts';
import type { TargetReads } from './port.ts';

/**
 * Throws E_STATE_UNSAFE where one of the state's folders, the topmost first, is a link, somebody else's, or writable for
 * others: an undo must not trust what others could have written.
 */
export async function requirePrivate(
  target: Pick<TargetReads, 'lstat'>,
  folders: readonly string[],
): Promise<void> {
  for (const path of folders) {
    const status = await target.lstat(path);
    if (status === undefined) return;
    const mine = status.uid === 0 || status.uid === process.geteuid?.();
    if (status.type === 'directory' && mine && (status.mode & 0o022) === 0) continue;
    throw failure(
      'E_STATE_UNSAFE',
      `${path} is a link, or somebody else’s, or writable for others`,
      `look at what is in it, then: chown -R root: ${STATE_FOLDER} && chmod 700 ${STATE_FOLDER}`,
    );
  }
}
