import * as v from 'valibot';
import type { Document } from '../document.ts';
import { REPAIR_STATE_NAMES } from '../filesystems/states.ts';
import { INIT_SYSTEMS } from '../guest/init-system.ts';

/** Commands to type, in this order, each as its words; none where there is nothing to type. */
const commands = v.array(v.tupleWithRest([v.string()], v.string()));

/** One step back to a file system that can be written to, in words and as commands. */
const step = v.strictObject({
  title: v.string(),
  /** Why it comes at this point, or what to take care of. One line. */
  why: v.string(),
  commands,
  /** What `--apply` does of it. Absent: a person has to do it. */
  action: v.exactOptional(v.picklist(['ask-storage', 'save-kernel-log', 'look', 'remount', 'probe'])),
});
export type Step = Document<typeof step>;

/** One thing that was seen, in one line. `bad` ones speak against writing to the file system. */
const evidence = v.strictObject({
  kind: v.picklist(['mount', 'fstab', 'listing', 'storage', 'superblock', 'counter', 'kernel-log']),
  bad: v.boolean(),
  detail: v.string(),
  /** Nothing shows that the kernel wrote the message. Absent: something does, or there is no message. */
  reported: v.optional(v.literal(true)),
});
export type ReportedEvidence = Document<typeof evidence>;

/** How one file system is, why, and what to do. */
const fileSystemReport = v.strictObject({
  mountPoint: v.string(),
  /** As it was given to mount(8), or as fstab has it. */
  device: v.string(),
  type: v.string(),
  /** `not-running`: a guest's tree; the steps are those for a file system that the kernel has given up. */
  state: v.picklist([...REPAIR_STATE_NAMES, 'not-running']),
  evidence: v.array(evidence),
  /** Why it is not mounted read-write again; empty where it may be. */
  remountRefused: v.array(v.string()),
  steps: v.array(step),
});
export type FileSystemReport = Document<typeof fileSystemReport>;

/** A service that should run and does not, what shows it, and how it is started again. */
const deadService = v.strictObject({ name: v.string(), why: v.string(), commands });
export type DeadService = Document<typeof deadService>;

export const recoverySchema = v.strictObject({
  init: v.picklist(INIT_SYSTEMS),
  fileSystems: v.array(fileSystemReport),
  services: v.array(deadService),
});
export type Recovery = Document<typeof recoverySchema>;

/** What came of a step. `stopped`: what came before it forbids it. `left`: it is for a person. */
export const stepOutcomeSchema = v.strictObject({
  title: v.string(),
  outcome: v.picklist(['done', 'failed', 'declined', 'stopped', 'left']),
  detail: v.string(),
});
export type StepOutcome = Document<typeof stepOutcomeSchema>;
