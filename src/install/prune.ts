import { basename } from 'node:path';
import type { Target } from '../machine/port.ts';
import { recordFile } from '../machine/record.ts';
import { keep, keptPath } from '../transaction/originals.ts';
import { takeEntryAway } from './boot-entry.ts';
import { type Generation, generations } from './generations.ts';

/** The kept images of one kernel that are still in /boot. */
export interface Prunable {
  readonly generation: Generation;
  readonly fallback: string;
  /** Bytes. */
  readonly size: number;
}

export async function prunable(target: Target, release: string): Promise<readonly Prunable[]> {
  const found: Prunable[] = [];
  for (const generation of await generations(target)) {
    if (generation.kernel !== release || generation.state === 'open') continue;
    for (const { fallback } of generation.manifest?.images ?? []) {
      const status = await target.stat(fallback);
      if (status?.type === 'file') found.push({ generation, fallback, size: status.size });
    }
  }
  return found;
}

/**
 * Takes a kept image out of the boot menu and out of /boot. It is not lost: it moves to the generation's originals,
 * from where a rollback still puts it back.
 */
export async function prune(target: Target, { generation, fallback }: Prunable): Promise<void> {
  const { number, folder, kernel, manifest } = generation;
  const image = manifest?.images.find((record) => record.fallback === fallback);
  const original = await recordFile(target, fallback);
  if (image === undefined || original === undefined) throw new Error(`${fallback} was changed`);
  await keep(target, original, keptPath(folder, basename(image.path)));
  await takeEntryAway(target, kernel, number);
  await target.remove(fallback);
}
