import { failure } from '../errors.ts';

/** A file that will be written beside the one that it replaces, which is removed only when the new one is whole. */
export interface PlannedFile {
  readonly path: string;
  /** Bytes of the file that goes when this one is there; 0 where none does. */
  readonly oldSize: number;
  readonly newSize: number;
}

export interface SpaceQuestion {
  /** In the order in which they are written. */
  readonly files: readonly PlannedFile[];
  /** The file system that a path is on, by any name that tells them apart. */
  readonly fileSystemOf: (path: string) => string;
  /** Bytes that may still be written, by the same name. */
  readonly freeBytes: ReadonlyMap<string, number>;
  /** Bytes that must stay free on each: a journal, logs, and somebody else's next write. */
  readonly reserveBytes?: number;
}

export interface SpaceNeed {
  readonly fileSystem: string;
  /** The most that is in use at one time beyond today's, with the reserve. */
  readonly needBytes: number;
  readonly freeBytes: number;
  /** 0 where there is enough. */
  readonly missingBytes: number;
}

const MIB = 1024 * 1024;
const RESERVE_BYTES = 8 * MIB;
/** A file takes whole blocks, and its name and its extents take some: the largest block that ext and XFS use here. */
const BLOCK_BYTES = 4096;

/** What each file system must have free for the files to be written, one for each that is written to. Pure. */
export function spaceNeeded(question: SpaceQuestion): readonly SpaceNeed[] {
  const use = new Map<string, { now: number; most: number }>();
  for (const { path, oldSize, newSize } of question.files) {
    const fileSystem = question.fileSystemOf(path);
    const before = use.get(fileSystem) ?? { now: 0, most: 0 };
    const both = before.now + onDisk(newSize);
    use.set(fileSystem, {
      now: both - (oldSize === 0 ? 0 : onDisk(oldSize)),
      most: Math.max(before.most, both),
    });
  }
  return [...use].map(([fileSystem, { most }]) => {
    const needBytes = most + (question.reserveBytes ?? RESERVE_BYTES);
    const freeBytes = question.freeBytes.get(fileSystem) ?? 0;
    return { fileSystem, needBytes, freeBytes, missingBytes: Math.max(0, needBytes - freeBytes) };
  });
}

/** Throws E_NO_SPACE with the numbers, where a file system has too little. */
export function requireSpace(needs: readonly SpaceNeed[]): void {
  const short = needs.filter(({ missingBytes }) => missingBytes > 0);
  if (short.length === 0) return;
  const words = short.map(
    ({ fileSystem, needBytes, freeBytes }) =>
      `${fileSystem} needs ${mebibytes(needBytes)} free and has ${mebibytes(freeBytes, Math.floor)}`,
  );
  const most = short.map(({ fileSystem, missingBytes }) => `${mebibytes(missingBytes)} on ${fileSystem}`);
  throw failure(
    'E_NO_SPACE',
    `too little space for the new files and the old ones beside them: ${words.join('; ')}`,
    `free ${most.join(' and ')} (an old kernel’s package is often the largest thing there), then run the command again`,
  );
}

function onDisk(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES + BLOCK_BYTES;
}

/** Up for what is needed, down for what is there: so that the two never look enough when they are not. */
function mebibytes(bytes: number, round: (value: number) => number = Math.ceil): string {
  return `${(round((bytes / MIB) * 10) / 10).toFixed(1)} MiB`;
}
