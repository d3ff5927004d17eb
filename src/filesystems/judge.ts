import { evidenceOf } from './evidence.ts';
import { isReadOnly, type Observation, type Remembered } from './observation.ts';
import { type State, worstOf } from './states.ts';
import type { Evidence } from './witness.ts';

/** What is to be thought of a file system. */
export interface Judgement {
  readonly state: State;
  /** All that was seen, the reassuring too, in the order of the witnesses. */
  readonly evidence: readonly Evidence[];
  /** ISO 8601; undefined where no evidence says when it began. */
  readonly since: string | undefined;
  /** What the next look of this boot must know. */
  readonly remember: Remembered;
}

/**
 * The one judgement of a file system, from whatever was looked at. Pure.
 * @param named a person named this mount point, so it should be writable unless fstab says otherwise
 */
export function judge(seen: Observation, named = false): Judgement {
  const all = evidenceOf(seen, isWanted(seen, named));
  const evidence = seen.probe?.outcome === 'ok' ? all.flatMap(withoutDisproved) : all;
  return {
    state: worstOf(evidence.map(({ state }) => state)),
    evidence,
    since: evidence.find(({ since }) => since !== undefined)?.since,
    remember: remember(seen, evidence),
  };
}

/** Whether it should be writable. Media cannot be, whoever asks. */
function isWanted({ fileSystem, watched }: Observation, named: boolean): boolean {
  const { kind, intended, fstab } = fileSystem;
  if (kind === 'media') return false;
  if (intended === 'rw' || watched?.remembered?.writable === true) return true;
  return named && kind === 'disk' && fstab === null;
}

/**
 * A write that went through disproves what remembers and counts, not the mount table. Errors were counted all the same:
 * they stay a warning.
 */
function withoutDisproved(evidence: Evidence): readonly Evidence[] {
  if (evidence.kind === 'kernel-log') return [];
  if (evidence.kind === 'counter' && evidence.bad) return [{ ...evidence, state: 'flagged' }];
  return [evidence];
}

function remember(seen: Observation, evidence: readonly Evidence[]): Remembered {
  const { fileSystem, watched, counters, log, system } = seen;
  const before = watched?.remembered;
  const mounts = fileSystem.mounts.flatMap(({ id }) => (id === undefined ? [] : [id]));
  // Without numbers a new mount looks like this one, and the memory would never end.
  const isAborted = mounts.length > 0 && evidence.some(({ kind, bad }) => kind === 'kernel-log' && bad);
  const isNews = evidence.some(({ kind, bad }) => kind === 'counter' && bad);
  const first = isNews && system.bootTime !== undefined ? 0 : counters?.errors;
  return {
    mounts,
    writable: before?.writable === true || !isReadOnly(seen),
    errors: counters && Math.min(before?.errors ?? first ?? 0, counters.errors),
    lastErrors: counters?.errors,
    aborted: isAborted ? (log?.lines.find(({ abort }) => abort)?.text ?? before?.aborted) : undefined,
  };
}
