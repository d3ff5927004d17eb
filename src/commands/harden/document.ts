import * as v from 'valibot';
import type { Document } from '../../document.ts';
import { REPAIR_STATE_NAMES } from '../../filesystems/states.ts';
import { INIT_SYSTEMS } from '../../guest/init-system.ts';

const policy = v.picklist(['continue', 'remount-ro', 'panic']);

/** A line of /etc/fstab. */
const fstabEntry = v.strictObject({
  source: v.string(),
  mountPoint: v.string(),
  fsType: v.string(),
  options: v.array(v.string()),
  dump: v.number(),
  /** In which round fsck looks at it at boot; 0: never. */
  pass: v.number(),
  /** From 1. */
  line: v.number(),
});

/** A line of the mount table. */
const mount = v.strictObject({
  id: v.exactOptional(v.number()),
  parent: v.exactOptional(v.number()),
  /** `8:1`, major:minor of the superblock; empty where the kernel gives none. */
  device: v.string(),
  root: v.string(),
  mountPoint: v.string(),
  mountOptions: v.array(v.string()),
  fsType: v.string(),
  source: v.string(),
  superOptions: v.array(v.string()),
});

/** The error policy of one file system, and where it comes from. */
const fileSystem = v.strictObject({
  /** Where it is or would be mounted; null of a device that was given alone. */
  mountPoint: v.nullable(v.string()),
  device: v.string(),
  type: v.string(),
  /** Null: the type has no such policy, or the superblock could not be read. */
  superblock: v.nullable(policy),
  uuid: v.nullable(v.string()),
  /** What fstab says; null where it says nothing. */
  fstabOption: v.nullable(v.string()),
  fstab: v.nullable(fstabEntry),
  /** What the kernel shows of the mount; null where it shows nothing or nothing is mounted. */
  mountOption: v.nullable(v.string()),
  /** What holds now; null where it is not mounted, or not known. */
  effective: v.nullable(v.string()),
  /** Null: not mounted. */
  state: v.nullable(v.picklist(REPAIR_STATE_NAMES)),
  mount: v.nullable(mount),
  /** Whether the log directory is on it: its errors would not be logged. */
  holdsLogs: v.boolean(),
});

const disk = v.strictObject({
  /** As the kernel calls it: `sda`, `nvme0n1`. */
  name: v.string(),
  bus: v.picklist(['scsi', 'nvme', 'virtio']),
  driver: v.nullable(v.string()),
  /** The command timeout in force; null where this bus or kernel shows none. */
  timeoutSeconds: v.nullable(v.number()),
  timeoutPath: v.nullable(v.string()),
  model: v.string(),
  /** How long its I/O outlasts a storage that answers BUSY. */
  survives: v.optional(v.nullable(v.union([v.number(), v.literal('unbounded')]))),
  rule: v.string(),
});

/** What `harden --json` prints. */
export const hardenSchema = v.strictObject({
  schema: v.literal('mptfix.harden/1'),
  result: v.picklist(['shown', 'planned', 'applied', 'undone', 'nothing-to-do']),
  target: v.string(),
  init: v.picklist(INIT_SYSTEMS),
  fileSystems: v.array(fileSystem),
  disks: v.array(disk),
  /** udev's rules that set a timeout. */
  rules: v.array(
    v.strictObject({
      path: v.string(),
      owner: v.picklist(['vmware', 'mptfix', 'other']),
      seconds: v.optional(v.number()),
    }),
  ),
  advice: v.array(v.string()),
  /** What was or would be changed or put back, one line each. */
  changes: v.array(v.string()),
  notes: v.array(v.string()),
  /** Where all that an undo needs is kept; null where there is nothing to undo. */
  undoFolder: v.nullable(v.string()),
});
export type HardenResult = Document<typeof hardenSchema>;
