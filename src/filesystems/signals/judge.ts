import type { Finding } from '../../watch/look.ts';
import type { Remembered } from '../../watch/state/remembered.ts';
import type { Gathered, Signal, SignalKind, State, WatchEvidence } from './evidence.ts';
import { ext4Errors } from './ext4-errors.ts';
import { kernelLog } from './kernel-log.ts';
import { mountTable } from './mount-table.ts';
import { probe } from './probe.ts';

/** The best first: the kernel's own word, then what it counts, then what it said, then what a write meets. */
const SIGNALS: readonly Signal[] = [mountTable, ext4Errors, kernelLog, probe];

/** What a write that went through proves wrong: memory of what was, not the table of what is. */
const DISPROVED_BY_A_WRITE: readonly SignalKind[] = ['ext4-errors', 'kernel-log'];

export function isAlarm(state: State): boolean {
  return state !== 'ok' && state !== 'errors';
}

/** Weighs what was gathered about one file system. Pure. */
export function judge(gathered: Gathered): Omit<Finding, 'key'> {
  const all = SIGNALS.flatMap((signal) => signal(gathered) ?? []);
  const evidence = gathered.probe?.outcome === 'ok' ? all.flatMap(withoutDisproved) : all;
  const decisive = evidence.find(({ state }) => isAlarm(state)) ?? evidence[0];
  return {
    fileSystem: gathered.fileSystem,
    state: decisive?.state ?? 'ok',
    since: evidence.find(({ since }) => since !== undefined)?.since,
    evidence,
    probe: gathered.probe,
    remember: remember(gathered, evidence),
  };
}

/** Errors were counted all the same: they stay a warning. */
function withoutDisproved(evidence: WatchEvidence): readonly WatchEvidence[] {
  if (!DISPROVED_BY_A_WRITE.includes(evidence.kind)) return [evidence];
  return evidence.kind === 'ext4-errors' ? [{ ...evidence, state: 'errors' }] : [];
}

function remember(gathered: Gathered, evidence: readonly WatchEvidence[]): Remembered {
  const { fileSystem, remembered, ext4, log, bootTime } = gathered;
  const isReadOnly = fileSystem.mounts.some(({ superOptions }) => superOptions.includes('ro'));
  const ids = fileSystem.mounts.flatMap(({ id }) => (id === undefined ? [] : [id]));
  // Without numbers a new mount could not be told, and the memory would never end.
  const isAborted = ids.length > 0 && evidence.some(({ kind }) => kind === 'kernel-log');
  const aborted = isAborted ? (log?.message.text ?? remembered?.aborted) : undefined;
  const isNews = evidence.some(({ kind }) => kind === 'ext4-errors');
  const first = ext4 === undefined ? undefined : isNews && bootTime !== undefined ? 0 : ext4.errors;
  const errors = ext4 === undefined ? undefined : Math.min(remembered?.errors ?? first ?? 0, ext4.errors);
  return {
    mounts: ids,
    writable: remembered?.writable === true || !isReadOnly,
    ...(errors === undefined || ext4 === undefined ? {} : { errors, lastErrors: ext4.errors }),
    ...(aborted === undefined ? {} : { aborted }),
  };
}
