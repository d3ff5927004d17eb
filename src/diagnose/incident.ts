import * as v from 'valibot';
import type { Document } from '../document.ts';
import { verdictSchema } from '../driver/verdict.ts';
import { REPAIR_KINDS } from '../kernel-log/repair.ts';

/** ISO 8601; null where the log has no times. */
const time = v.nullable(v.string());

/**
 * `this-bug`: the driver turned the storage's BUSY into an I/O error. `window-used-up`: the kernel retried until its time
 * limit. `other`: a result that shows another cause. `timeouts`: timeouts, resets and aborts, and no result of a command.
 * `cause-not-told`: errors, and no message that shows why.
 */
const causeName = v.picklist(['this-bug', 'window-used-up', 'other', 'timeouts', 'cause-not-told']);

const verdict = v.strictObject({
  cause: causeName,
  certainty: v.picklist(['certain', 'likely']),
  /** What shows it, the strongest first. */
  evidence: v.array(v.string()),
});
/** Why the I/O failed, and how sure that is. */
export type Verdict = Document<typeof verdict>;

const diskHit = v.strictObject({
  /** Kernel name, such as `sda`; null where the messages have only the address. */
  name: v.nullable(v.string()),
  /** H:C:I:L; null where the messages have only the name. */
  address: v.nullable(v.string()),
  lun: v.nullable(v.number()),
  /** Block and buffer errors on it and its partitions. */
  errors: v.number(),
  /** Each result that the SCSI layer printed for it. */
  results: v.array(v.strictObject({ text: v.string(), count: v.number() })),
  verdict,
});
/** One disk (or path to one) that had errors. */
export type DiskHit = Document<typeof diskHit>;

const deviceMapperHit = v.strictObject({
  /** `dm-0`. */
  device: v.string(),
  /** `vg0-root`; null where this machine does not know. */
  name: v.nullable(v.string()),
  /** The devices below it; empty where this machine does not know. */
  on: v.array(v.string()),
});
export type DeviceMapperHit = Document<typeof deviceMapperHit>;

const fileSystemHit = v.strictObject({
  /** Null where no message names it. */
  device: v.nullable(v.string()),
  mountPoint: v.nullable(v.string()),
  effect: v.picklist(['journal-aborted', 'read-only', 'shutdown', 'error']),
});
export type FileSystemHit = Document<typeof fileSystemHit>;

const timelineEntry = v.strictObject({
  first: time,
  last: time,
  /** The first as the log has it; null where it has no date. */
  logged: v.nullable(v.string()),
  kernelSeconds: v.nullable(v.number()),
  id: v.string(),
  layer: v.picklist(['hypervisor', 'driver', 'scsi', 'block', 'multipath', 'journal', 'file-system']),
  count: v.number(),
  /** The first of them, as logged. */
  text: v.string(),
  /** Nothing shows that the kernel wrote any of them: a user of the guest could have. */
  reported: v.boolean(),
});
/** Messages of one kind about one thing, in the order of the first of them. */
export type TimelineEntry = Document<typeof timelineEntry>;

const kernelOfLog = v.strictObject({
  release: v.string(),
  /**
   * Who names it: the `log` before, the `option` --kernel; or the log `later`, or the `guest` now: then it may have been
   * another one.
   */
  said: v.picklist(['log', 'option', 'later', 'guest']),
  /** What the tables of kernels say of its driver. */
  verdict: verdictSchema,
  detail: v.string(),
});
/** The kernel that wrote a log. */
export type KernelOfLog = Document<typeof kernelOfLog>;

const incident = v.strictObject({
  /** The host that the log names; null where it names none. */
  host: v.nullable(v.string()),
  start: time,
  end: time,
  /** The same as the log has them, with the zone if it has one; null where it has no dates. */
  firstLogged: v.nullable(v.string()),
  lastLogged: v.nullable(v.string()),
  /** Seconds from the first message to the last; null where they are not known. */
  seconds: v.nullable(v.number()),
  verdict,
  /** The log is of a hypervisor (ESX): what happened below the guests, not in one. */
  hypervisor: v.boolean(),
  /** The volumes and paths that a hypervisor's log names, such as `naa.6005…` or `vmhba1:C0:T0:L4`. */
  volumes: v.array(v.string()),
  /** Why the message that tells the cause may be missing: cut off, wrapped, suppressed, before the log's beginning. */
  doubts: v.array(v.string()),
  /** Null where nothing names it. */
  kernel: v.nullable(kernelOfLog),
  /** The adapters whose drivers speak or introduce themselves around that time. */
  adapters: v.array(v.string()),
  /**
   * Nothing shows that the kernel wrote any of its messages, as in a text file, where `logger` can write the same. Where
   * something does for one, the verdicts are drawn from those alone that the kernel wrote.
   */
  reported: v.boolean(),
  disks: v.array(diskHit),
  deviceMapper: v.array(deviceMapperHit),
  fileSystems: v.array(fileSystemHit),
  /** Messages by the signature's id. */
  counts: v.record(v.string(), v.number()),
  messages: v.number(),
  timeline: v.array(timelineEntry),
  /** How many messages are counted above but left out of the timeline. */
  timelineCut: v.number(),
  sources: v.array(v.string()),
});
/** What happened to one machine at one time. */
export type Incident = Document<typeof incident>;

const olderIncidents = v.strictObject({ count: v.number(), start: time, end: time });
/** Incidents that are not kept. */
export type OlderIncidents = Document<typeof olderIncidents>;

const recordedError = v.strictObject({
  device: v.string(),
  count: v.nullable(v.number()),
  firstError: time,
  lastError: time,
});
/** An error that a file system's superblock records, from ext4's daily message. */
export type RecordedError = Document<typeof recordedError>;

const partProblem = v.strictObject({
  part: v.string(),
  problem: v.string(),
  partly: v.boolean(),
});
/** A part of a log that cannot be read, or, `partly`, not to its end. */
export type PartProblem = Document<typeof partProblem>;

const logRead = v.strictObject({
  name: v.string(),
  lines: v.number(),
  /** Lines that are the kernel's, as far as their form shows. */
  kernelLines: v.number(),
  /** Lines of a hypervisor's kernel (ESX): the machine below the guest. */
  hypervisorLines: v.number(),
  /** What was mended before it was read, and in how many lines; see `mend.ts` of kernel-log. */
  repairs: v.array(v.strictObject({ kind: v.picklist(REPAIR_KINDS), lines: v.number() })),
  /** The times of its first and its last line, whoever wrote them; null where lines have no times. */
  first: time,
  last: time,
});
/** What was read of one log, with its rotated files. */
export type LogRead = Document<typeof logRead>;

export const diagnosisSchema = v.strictObject({
  /**
   * The worst cause of the incidents; `none` where there is no incident; `cannot-tell` where there is none, but the logs
   * have no kernel's line, or not all of them could be read.
   */
  verdict: v.picklist([...causeName.options, 'none', 'cannot-tell']),
  /** With `cannot-tell`: why. */
  cannotTell: v.array(v.string()),
  /** Every log that was read, and all of them together. */
  logs: v.array(logRead),
  looked: v.omit(logRead, ['name']),
  incidents: v.array(incident),
  /** Incidents before these; null where all are there. */
  older: v.nullable(olderIncidents),
  recordedErrors: v.array(recordedError),
  /** Parts that were read completely. */
  read: v.array(v.string()),
  unread: v.array(partProblem),
  /** Messages that --since or --until leave out, and messages without a time, which they cannot. */
  leftOut: v.number(),
  undated: v.number(),
  /** Messages that alone are no incident, by the signature's id: they have other causes too. */
  noIncident: v.record(v.string(), v.number()),
});
/** What the logs say. */
export type Diagnosis = Document<typeof diagnosisSchema>;
