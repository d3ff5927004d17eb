import { constants } from 'node:fs';
import { access } from 'node:fs/promises';

/** Where tools are found, even if the caller's PATH lacks the sbin folders (su without -). */
export const TOOL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The environment of every program, besides what is given: nothing of the caller's, whose LD_PRELOAD may be anybody's. */
export const ENVIRONMENT = { PATH: TOOL_PATH, LC_ALL: 'C' } as const;

/** Where this machine has a program; undefined where it is not installed. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of TOOL_PATH.split(':')) {
    const path = `${folder}/${name}`;
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not here: the next folder.
    }
  }
  return undefined;
}
