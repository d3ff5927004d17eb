import type { Observation } from './observation.ts';
import type { State } from './states.ts';

/** One thing that was seen, and what it says. */
export interface Evidence {
  readonly kind:
    | 'mount-table'
    | 'fstab'
    | 'listing'
    | 'storage'
    | 'superblock'
    | 'counter'
    | 'kernel-log'
    | 'probe';
  /** Which state it speaks for; undefined: none. */
  readonly state?: State | undefined;
  /** Whether it speaks against writing to the file system. */
  readonly bad: boolean;
  /** One line for a person. */
  readonly detail: string;
  /** ISO 8601; where it says when it began. */
  readonly since?: string | undefined;
  /** Of a message in the kernel's log: nothing shows that the kernel wrote it. */
  readonly reported?: true | undefined;
}

/** Reads one part of an observation; says nothing of a part that was not looked at. Pure. */
export type Witness = (seen: Observation, wanted: boolean) => readonly Evidence[];
