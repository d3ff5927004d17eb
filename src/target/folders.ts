import { dirname } from 'node:path';
import type { Target } from './port.ts';

/**
 * Makes a folder and what is missing above it. Answers the folders that it made, the topmost first, so that an undo
 * can take exactly these away again.
 */
export async function makeFolders(target: Target, folder: string, mode = 0o755): Promise<readonly string[]> {
  if ((await target.stat(folder)) !== undefined) return [];
  const above = await makeFolders(target, dirname(folder), mode);
  await target.mkdir(folder, mode);
  return [...above, folder];
}
