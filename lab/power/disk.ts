import type { FileHandle } from 'node:fs/promises';
import { below, type Random } from './random.ts';

/** What a power cut leaves of what was written. docs/lab.md says what kind of disk each stands for. */
export const CUT_KINDS = ['written', 'flushed', 'prefix', 'scattered'] as const;
export type CutKind = (typeof CUT_KINDS)[number];

export interface Write {
  /** In bytes from the start of the disk. */
  readonly offset: number;
  readonly data: Buffer;
}

/** What of the writes is there after the cut, in their order, and how many are lost, whole or in part. */
export interface Survivors {
  readonly writes: readonly Write[];
  readonly lost: number;
}

/** A disk with a write cache that needs power: only what was flushed, or written past the cache, is safe. */
export interface Disk {
  readonly size: number;
  read(offset: number, length: number): Promise<Buffer>;
  /** `through`: past the cache (FUA). Throws after the cut. */
  write(offset: number, data: Buffer, through: boolean): void;
  /** All that was written before is safe now. Throws after the cut. */
  flush(): void;
  /** Nothing is read or written from now on, and nothing is answered. */
  cut(): void;
  /** Nothing is answered until then. */
  hold(until: Promise<void>): void;
  /** When answers may go out. */
  readonly mayAnswer: () => Promise<void>;
  survivors(kind: CutKind, random: Random): Survivors;
  /** How many writes, flushes, and writes that are in the cache alone. */
  readonly counts: () => { readonly writes: number; readonly flushes: number; readonly unsafe: number };
}

/** A sector is written whole or not at all. */
const SECTOR = 512;

interface Entry extends Write {
  isSafe: boolean;
}

/** A disk over a base image, which is only read. `onWrite` hears of each write as it comes. */
export function openDisk(
  base: Pick<FileHandle, 'read'>,
  size: number,
  onWrite: (write: Write) => void = () => {},
): Disk {
  const now = new Map<number, Buffer>();
  const entries: Entry[] = [];
  let cached: Entry[] = [];
  let isCut = false;
  let flushes = 0;
  let held = Promise.resolve();
  const requirePower = (): void => {
    if (isCut) throw new Error('the disk has no power');
  };
  return {
    size,
    read: async (offset, length) => {
      requirePower();
      const bytes = Buffer.alloc(length);
      await base.read(bytes, 0, length, offset);
      // After the base: a write may have come while it was read.
      for (let at = 0; at < length; at += SECTOR) now.get((offset + at) / SECTOR)?.copy(bytes, at);
      return bytes;
    },
    write: (offset, data, through) => {
      requirePower();
      if (offset % SECTOR !== 0 || data.length % SECTOR !== 0 || offset + data.length > size)
        throw new Error(`a write of ${data.length} bytes at ${offset}: not of whole sectors of the disk`);
      for (let at = 0; at < data.length; at += SECTOR)
        now.set((offset + at) / SECTOR, data.subarray(at, at + SECTOR));
      const entry = { offset, data, isSafe: through };
      entries.push(entry);
      if (!through) cached.push(entry);
      onWrite(entry);
    },
    flush: () => {
      requirePower();
      for (const entry of cached) entry.isSafe = true;
      cached = [];
      flushes += 1;
    },
    cut: () => {
      isCut = true;
      held = new Promise(() => {});
    },
    hold: (until) => {
      held = until;
    },
    mayAnswer: () => held,
    survivors: (kind, random) => survivors(kind, random, entries),
    counts: () => ({ writes: entries.length, flushes, unsafe: cached.length }),
  };
}

/** What remains of the writes that were in the cache alone; undefined: nothing of it. */
type Fate = (write: Write, index: number) => Write | undefined;

/** For so many writes in the cache. */
const FATES: Readonly<Record<CutKind, (random: Random, cached: number) => Fate>> = {
  written: () => (write) => write,
  flushed: () => () => undefined,
  prefix: (random, cached) => {
    const kept = below(random, cached + 1);
    return (write, index) => (index < kept ? write : undefined);
  },
  // A disk writes its cache in the order that suits it, and stops anywhere.
  scattered: (random) => (write) => {
    const sectors = write.data.length / SECTOR;
    const fate = below(random, 3);
    if (fate === 0) return write;
    const kept = fate === 1 ? 0 : below(random, sectors);
    return kept === 0 ? undefined : { offset: write.offset, data: write.data.subarray(0, kept * SECTOR) };
  },
};

function survivors(kind: CutKind, random: Random, entries: readonly Entry[]): Survivors {
  const cached = entries.filter(({ isSafe }) => !isSafe);
  const fate = FATES[kind](random, cached.length);
  const fates = new Map(cached.map((entry, index) => [entry, fate(entry, index)]));
  const writes = entries.flatMap((entry) => (entry.isSafe ? entry : (fates.get(entry) ?? [])));
  return { writes, lost: cached.filter((entry) => fates.get(entry) !== entry).length };
}
