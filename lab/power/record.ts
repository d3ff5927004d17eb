import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cut } from './ways.ts';

/** What `mptfix status` and the guest say of it. */
export interface Found {
  readonly state: string;
  /** What each initramfs holds, compared with the module on the disk. */
  readonly images: readonly string[];
  /** By its build-id in /sys: the driver that the guest runs on. */
  readonly loaded: 'original' | 'patched' | 'another' | 'none';
  /** On the disk, by its SHA-256. */
  readonly module: 'original' | 'patched' | 'another';
  readonly interrupted: number;
  /** Of all names and of the bytes in /boot and of the kernel's modules, one SHA-256: what is put back is the same again. */
  readonly places: string;
}

/** One power cut. JSON, one file a cut. */
export interface CutRecord {
  readonly format: 2;
  readonly runSeed: number;
  readonly cut: Cut;
  /** Of the guest as shipped, its `places`. */
  readonly shipped: string;
  /** The last line of the journal that the disk had received, and whether the command had answered. */
  readonly lastLine: string;
  readonly answered: boolean;
  /** Whether the line that the cut was to follow came at all. */
  readonly reached: boolean;
  readonly disk: {
    readonly writes: number;
    readonly flushes: number;
    readonly unsafe: number;
    readonly lost: number;
  };
  readonly boots: boolean;
  readonly bootSeconds: number;
  readonly found: Found | null;
  /** The next command, and what was found after it. */
  readonly next: { readonly status: number; readonly said: string } | null;
  readonly afterwards: Found | null;
  readonly fsck: number | null;
  /** What is not as it must be; empty: nothing was lost. */
  readonly problems: readonly string[];
  readonly wallSeconds: number;
  readonly date: string;
}

const name = (number: number): string => `cut-${String(number).padStart(2, '0')}.json`;

/** A record of an earlier run of the same cut; undefined where there is none. */
export async function kept(folder: string, runSeed: number, cut: Cut): Promise<CutRecord | undefined> {
  const record = await readFile(join(folder, name(cut.number)), 'utf8')
    .then((text) => JSON.parse(text) as CutRecord)
    .catch(() => undefined);
  if (record === undefined) return undefined;
  const isSame = record.runSeed === runSeed && JSON.stringify(record.cut) === JSON.stringify(cut);
  return record.format === 2 && isSame ? record : undefined;
}

export async function keep(folder: string, record: CutRecord): Promise<void> {
  const path = join(folder, name(record.cut.number));
  await writeFile(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`);
  await rename(`${path}.new`, path);
}
