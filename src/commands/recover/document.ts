import * as v from 'valibot';
import type { Document } from '../../document.ts';
import { REPAIR_STATE_NAMES } from '../../filesystems/states.ts';
import { INIT_SYSTEMS } from '../../guest/init-system.ts';

const step = v.strictObject({
  title: v.string(),
  /** Why it stands at this place, or what to watch out for. One line. */
  why: v.string(),
  /** To type, in this order; none where there is nothing to type. */
  commands: v.array(v.array(v.string())),
  /** Absent: a person has to do it. */
  action: v.optional(v.picklist(['ask-storage', 'save-kernel-log', 'look', 'remount', 'probe'])),
});

const fileSystem = v.strictObject({
  mountPoint: v.string(),
  /** As it was given to mount(8), or as fstab has it. */
  device: v.string(),
  type: v.string(),
  /** `not-running`: a guest's tree; the steps are those for a file system that the kernel gave up. */
  state: v.picklist([...REPAIR_STATE_NAMES, 'not-running']),
  /** `bad` ones speak against writing to the file system. */
  evidence: v.array(
    v.strictObject({
      kind: v.picklist(['mount', 'fstab', 'listing', 'storage', 'superblock', 'counter', 'kernel-log']),
      bad: v.boolean(),
      detail: v.string(),
    }),
  ),
  /** Why it is not mounted read-write again; empty where it may be. */
  remountRefused: v.array(v.string()),
  steps: v.array(step),
});

/** What `recover --json` prints. */
export const recoverSchema = v.strictObject({
  schema: v.literal('mptfix.recover/1'),
  /**
   * `well`: nothing to do. `advised`: the steps are listed. `recovered`: all that was wrong is writable again.
   * `by-hand`: the safe steps are done, and a person has to continue: a remount was refused, or is not enough.
   */
  result: v.picklist(['well', 'advised', 'recovered', 'by-hand']),
  target: v.string(),
  init: v.picklist(INIT_SYSTEMS),
  fileSystems: v.array(fileSystem),
  /** Services that should run and do not, and how each is started again. */
  services: v.array(
    v.strictObject({ name: v.string(), why: v.string(), commands: v.array(v.array(v.string())) }),
  ),
  /** With --apply: what came of each step, by mount point. */
  outcomes: v.nullable(
    v.record(
      v.string(),
      v.array(
        v.strictObject({
          title: v.string(),
          outcome: v.picklist(['done', 'failed', 'declined', 'stopped', 'left']),
          detail: v.string(),
        }),
      ),
    ),
  ),
  savedLog: v.nullable(v.string()),
});
export type RecoverResult = Document<typeof recoverSchema>;
