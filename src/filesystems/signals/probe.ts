import { PROBE_STATES } from '../probe.ts';
import type { Signal } from './evidence.ts';

/** A file was written, or it was not. */
export const probe: Signal = ({ probe: result }) => {
  if (result === undefined) return undefined;
  const state = PROBE_STATES[result.outcome] ?? 'ok';
  if (state === 'ok') return undefined;
  return { kind: 'probe', state, detail: result.detail };
};
