import { dirname } from 'node:path';
import type { Target } from '../machine/port.ts';
import { type FileRecord, recordFile } from '../machine/record.ts';
import type { Originals, TouchedFile } from './manifest.ts';
import { generationFolder, journal } from './state.ts';

/** A file that a step makes, replaces or removes. */
export interface Touch {
  readonly path: string;
  /** Whole path of a copy that an earlier step of the same installation makes; else one is made beforehand. */
  readonly keptAs?: string;
}

/**
 * One change to the guest. What it touches is kept before the first step of all is begun; what undoes it stands in the
 * journal before it acts.
 */
export interface Step {
  /** Unique within an installation: `module`, `image /boot/initrd.img-…`. */
  readonly name: string;
  readonly touches: readonly Touch[];
  /** Folders that it makes, the topmost first. */
  readonly makes?: readonly string[];
  /** SHA-256 by path of what it will write, asked for just before it acts; where nothing can be told, absent. */
  readonly becomes?: () => Promise<Readonly<Record<string, string>>>;
  readonly act: () => Promise<void>;
}

/** Carries out one step under the journal: intent, act, all of it on the disk, done. Answers what it left. */
export async function carryOut(
  target: Target,
  generation: number,
  step: Step,
  originals: Originals,
): Promise<readonly FileRecord[]> {
  const undo = originals.files
    .filter((file) => file.step === step.name)
    .map(({ path, backup }) => ({ path, restore: backup === null ? null : keptPath(generation, backup) }));
  const becomes = await step.becomes?.();
  await journal(target, generation, 'intent', {
    step: step.name,
    undo,
    ...(becomes === undefined ? {} : { becomes }),
  });
  await step.act();
  const records: FileRecord[] = [];
  for (const { path } of step.touches) {
    const record = await recordFile(target, path);
    if (record === undefined) continue;
    // Programs such as depmod do not wait for the disk.
    await target.sync(path);
    records.push(record);
  }
  await journal(target, generation, 'done', {
    step: step.name,
    becomes: Object.fromEntries(records.map(({ path, sha256 }) => [path, sha256])),
  });
  return records;
}

/** Where the kept copy of a touched file is. */
export function keptPath(generation: number, backup: NonNullable<TouchedFile['backup']>): string {
  return backup.startsWith('/') ? backup : `${generationFolder(generation)}/originals/${backup}`;
}

/** The folders whose entries change, and those that are made. */
export function foldersOf(steps: readonly Step[]): {
  readonly changed: readonly string[];
  readonly made: readonly string[];
} {
  const made = steps.flatMap(({ makes }) => makes ?? []);
  const touched = steps.flatMap(({ touches }) => touches.map(({ path }) => dirname(path)));
  const changed = [...new Set([...touched, ...made.map((path) => dirname(path))])];
  return { changed: changed.filter((path) => !made.includes(path)), made };
}
