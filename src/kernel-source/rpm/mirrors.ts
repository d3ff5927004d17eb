import { isRemote } from '../../build-options.ts';
import { failure } from '../../errors.ts';
import type { Workspace } from '../../work/workspace.ts';
import type { RpmArchive, RpmOpening } from './archive.ts';
import { openRpmFolder } from './folder.ts';
import { openRepository } from './repository.ts';

/** Opens each mirror: what has repodata through dnf, any other folder as it is. */
export async function openRpmArchives(
  workspace: Workspace,
  { archives, ...options }: RpmOpening,
): Promise<readonly RpmArchive[]> {
  const opened: RpmArchive[] = [];
  for (const mirror of archives.mirrors) {
    if (isRemote(mirror)) {
      opened.push(await openRepository(workspace, mirror, options));
      continue;
    }
    if ((await workspace.machine.stat(mirror))?.type !== 'directory')
      throw failure(
        'E_FETCH',
        `there is no folder ${mirror}`,
        'give --mirror a URL, or a folder with packages',
      );
    const hasIndex = (await workspace.machine.stat(`${mirror}/repodata/repomd.xml`)) !== undefined;
    opened.push(await (hasIndex ? openRepository : openRpmFolder)(workspace, mirror, options));
  }
  return opened;
}
