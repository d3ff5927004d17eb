import * as v from 'valibot';
import type { Document } from '../document.ts';

/** Which kernel a plan, a build or a manifest is about. */
export const kernelIdentitySchema = v.object({
  /** As `uname -r` prints it there. */
  release: v.string(),
  /** The mainline version that it is based on; null where neither release nor package says. */
  base: v.nullable(v.string()),
  /** The distro as it names itself. */
  distro: v.string(),
  packageVersion: v.nullable(v.string()),
});
export type KernelIdentity = Document<typeof kernelIdentitySchema>;

/** One entry of fstab(5). */
export const fstabEntrySchema = v.strictObject({
  /** As written there: `/dev/sda1`, `UUID=…`, `LABEL=…`. */
  source: v.string(),
  /** `none` or `swap` where it is mounted nowhere. Without a slash at its end. */
  mountPoint: v.string(),
  fsType: v.string(),
  options: v.array(v.string()),
  dump: v.number(),
  /** In which round fsck checks it at boot; 0: never. */
  pass: v.number(),
  /** Line number in the file, from 1. */
  line: v.number(),
});
export type FstabEntry = Document<typeof fstabEntrySchema>;

/** One line of the guest's mount table. */
export const mountSchema = v.strictObject({
  /** The kernel's number of the mount; a new mount in the same place has another one. Not in /proc/mounts. */
  id: v.exactOptional(v.number()),
  /** The mount that this one lies in. */
  parent: v.exactOptional(v.number()),
  /** `8:1`, major:minor of the superblock; empty where /proc/mounts gives none. */
  device: v.string(),
  /** Which folder of the file system is mounted here; `/` but for bind mounts and subvolumes. */
  root: v.string(),
  mountPoint: v.string(),
  /** The options of this mount alone; /proc/mounts mixes them with the superblock's. */
  mountOptions: v.array(v.string()),
  fsType: v.string(),
  source: v.string(),
  /** The options of the file system, which all of its mounts share. */
  superOptions: v.array(v.string()),
});
export type Mount = Document<typeof mountSchema>;

/** A disk of the running guest, and how long its commands may take. */
export const diskSchema = v.strictObject({
  /** As the kernel calls it: `sda`, `nvme0n1`. */
  name: v.string(),
  bus: v.picklist(['scsi', 'nvme', 'virtio']),
  /** The SCSI host driver's name for itself: `mptspi`, `vmw_pvscsi`; null where the kernel does not show it. */
  driver: v.nullable(v.string()),
  /** The command timeout in force, in seconds; null where this bus or kernel shows none. */
  timeoutSeconds: v.nullable(v.number()),
  /** Where a SCSI disk's timeout is read and set; null for other disks. */
  timeoutPath: v.nullable(v.string()),
  model: v.string(),
});
export type Disk = Document<typeof diskSchema>;
