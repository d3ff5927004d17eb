import { dirname } from 'node:path';
import { mountOf, readOwnMounts } from '../guest/mounts.ts';
import { depmodOutputs } from '../install/depmod.ts';
import { fallbackPath } from '../install/image.ts';
import { type PlannedFile, requireSpace, spaceNeeded } from '../install/space.ts';
import { nearestFolder, STATE_FOLDER, toolPath } from '../machine/folders.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import type { Plan } from './document.ts';

/** A module that is rebuilt differs by some bytes, and an initramfs by what its tool packs it with. */
const GROWTH = 1.25;
/** What a tool unpacks an initramfs to while it makes one: some five times what it packs it to. */
const WORK_FACTOR = 6;

/** Throws E_NO_SPACE where the new files do not fit beside the old ones, on the file system that each lies on. */
export async function requireFreeSpace(target: Target, plan: Plan): Promise<void> {
  if (plan.module === null) return;
  const files: PlannedFile[] = [];
  const add = (path: string, oldSize: number, newSize: number): void =>
    void files.push({ path, oldSize, newSize });
  for (const path of [plan.module.path, ...depmodOutputs(plan.kernel.release)]) {
    const size = (await target.stat(path))?.size;
    if (size === undefined) continue;
    add(`${STATE_FOLDER}/originals`, 0, size);
    add(path, size, Math.ceil(size * GROWTH));
  }
  for (const { path, action } of plan.images) {
    if (action !== 'rebuild') continue;
    const size = (await target.stat(path))?.size ?? 0;
    // Both stay: the old one under another name.
    add(fallbackPath(path, 0), 0, Math.ceil(size * GROWTH));
    add(`${STATE_FOLDER}/tmp`, 0, size * WORK_FACTOR);
  }
  const mounts = new Map<string, string>();
  const freeBytes = new Map<string, number>();
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) {
    const mount = await mountPointOf(target, folder);
    mounts.set(folder, mount);
    freeBytes.set(mount, await target.freeSpace(mount));
  }
  requireSpace(spaceNeeded({ files, fileSystemOf: (path) => mounts.get(dirname(path)) ?? path, freeBytes }));
}

/** The folder that the path's file system is mounted on, as the machine sees it; `stat` needs no mount table. */
async function mountPointOf(target: Target, folder: string): Promise<string> {
  const path = await toolPath(target, await nearestFolder(target, folder));
  // A guest of 2003 has no stat(1), and its own mount table tells.
  if (!traitsOf(target).hasOurTools) return mountOf(await readOwnMounts(target), path)?.mountPoint ?? '/';
  const argv = ['stat', '--format=%m', '--', path] as const;
  const { status, stdout } = await target.run(argv, { effect: 'read', sees: 'guest' });
  const found = stdout.toString('utf8').trim();
  const root = target.toolRoot;
  if (status !== 0 || !found.startsWith('/')) return folder;
  const inside = root === '/' ? found : found.slice(root.length);
  return found.startsWith(root) && inside.startsWith('/') ? inside : '/';
}
