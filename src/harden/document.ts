import * as v from 'valibot';
import type { Document } from '../document.ts';
import { REPAIR_STATE_NAMES } from '../filesystems/states.ts';
import { diskSchema, fstabEntrySchema, mountSchema } from '../guest/document.ts';

/** The error policy of one file system, and where it comes from. */
const policyFacts = v.strictObject({
  /** Where it is or would be mounted; null of a device that was given alone. */
  mountPoint: v.nullable(v.string()),
  device: v.string(),
  type: v.string(),
  /** Null: the type has no such policy, or the superblock could not be read. */
  superblock: v.nullable(v.picklist(['continue', 'remount-ro', 'panic'])),
  uuid: v.nullable(v.string()),
  /** What fstab says; null where it says nothing. */
  fstabOption: v.nullable(v.string()),
  fstab: v.nullable(fstabEntrySchema),
  /** What the kernel shows of the mount; null where it shows nothing or nothing is mounted. */
  mountOption: v.nullable(v.string()),
  /** What holds now; null where it is not mounted, or not known. */
  effective: v.nullable(v.string()),
  /** Null: not mounted. */
  state: v.nullable(v.picklist(REPAIR_STATE_NAMES)),
  mount: v.nullable(mountSchema),
  /** Whether the log directory is on it: its errors would not be logged. */
  holdsLogs: v.boolean(),
});
export type PolicyFacts = Document<typeof policyFacts>;

const diskFacts = v.strictObject({
  ...diskSchema.entries,
  /** How long its I/O outlasts a storage that answers BUSY, in seconds. */
  survives: v.nullable(v.union([v.number(), v.literal('unbounded')])),
  rule: v.string(),
});
export type DiskFacts = Document<typeof diskFacts>;

/** A udev rule that sets SCSI timeouts. */
const timeoutRule = v.strictObject({
  path: v.string(),
  /** VMware Tools', ours, or somebody else's. */
  owner: v.picklist(['vmware', 'mptfix', 'other']),
  /** Left out where the value could not be read out of it. */
  seconds: v.optional(v.number()),
});
export type TimeoutRule = Document<typeof timeoutRule>;

export const surveySchema = v.strictObject({
  fileSystems: v.array(policyFacts),
  disks: v.array(diskFacts),
  rules: v.array(timeoutRule),
});
export type Survey = Document<typeof surveySchema>;
