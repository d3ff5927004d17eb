import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from '../../src/errors.ts';
import { makeFolders } from '../../src/machine/folders.ts';
import type { Target } from '../../src/machine/port.ts';

/** What outlives a run of the matrix: kernels are not built again, and trials that are over are not run again. */
export interface Places {
  readonly kernels: string;
  readonly records: string;
  /** Of runs with `--swap`, which are no results. */
  readonly swapped: string;
  /** The report of a run that is not the full matrix. */
  readonly report: string;
  close(): Promise<void>;
}

const FOLDER = 'mptfix-lab';

/** Where they are below the folder that `--work` names. */
export function placesBelow(base: string): Omit<Places, 'close'> {
  const at = (name: string): string => join(base, FOLDER, name);
  return {
    kernels: at('kernels'),
    records: at('records'),
    swapped: at('records-swapped'),
    report: at('report'),
  };
}

/** Creates them, for this user alone, and locks them. Throws E_FILE_UNSAFE and E_FILE where they are of somebody else. */
export async function openPlaces(machine: Target, base: string): Promise<Places> {
  const folder = join(base, FOLDER);
  // /var/tmp is everybody's: what is booted here as root must not be what another user has put there.
  await machine.mkdir(folder, 0o700);
  const status = await lstat(folder);
  if (!status.isDirectory() || status.uid !== process.geteuid?.() || (status.mode & 0o022) !== 0)
    throw failure('E_FILE_UNSAFE', `${folder} is not this user's own folder`, `look at it: ls -ld ${folder}`);
  const lock = await machine.lock(folder);
  if (lock === undefined)
    throw failure('E_FILE', `another run of the lab works in ${folder}`, 'wait for it, or give --work DIR');
  const places = placesBelow(base);
  for (const path of Object.values(places)) await makeFolders(machine, path);
  return { ...places, close: () => lock.release() };
}
