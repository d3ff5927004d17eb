import * as v from 'valibot';
import type { Document } from '../document.ts';
import { LIMITS } from '../limits.ts';
import type { Target } from './port.ts';

/** Seconds since the epoch with nine decimals. */
export const mtimeText = v.pipe(v.string(), v.regex(/^-?\d{1,12}\.\d{9}$/));

/** A user's or group's number. */
const id = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_fffe));

/** A `FileRecord` in a manifest or journal of ours: anything else is refused. */
export const fileRecord = v.object({
  /** The guest's path. */
  path: v.string(),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** Bytes. */
  size: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** Permission bits in octal, such as "0644". */
  mode: v.pipe(v.string(), v.regex(/^[0-7]{4}$/)),
  uid: id,
  gid: id,
  mtime: mtimeText,
});

/** The state of a file at one moment: enough to see whether it has changed, and to put it back. */
export type FileRecord = Document<typeof fileRecord>;

/** The record of a file; undefined where there is none. */
export async function recordFile(target: Target, path: string): Promise<FileRecord | undefined> {
  const status = await target.stat(path);
  if (status?.type !== 'file') return undefined;
  return {
    path,
    sha256: await target.hash(path, LIMITS.imageBytes),
    size: status.size,
    mode: status.mode.toString(8).padStart(4, '0'),
    uid: status.uid,
    gid: status.gid,
    mtime: status.mtime,
  };
}

/** Whether content, mode, owner and time are all the same. */
export function sameRecord(one: FileRecord | undefined, other: FileRecord | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  const keys = ['sha256', 'mode', 'uid', 'gid', 'mtime'] as const;
  return keys.every((key) => one[key] === other[key]);
}
