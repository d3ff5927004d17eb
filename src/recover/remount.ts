import type { Judgement } from '../filesystems/judge.ts';
import type { Observation } from '../filesystems/observation.ts';
import { REPAIR_STATES } from '../filesystems/states.ts';

/**
 * Why `mount -o remount,rw` must not be done; empty where it may. It may only where everything that could tell of
 * damage was read and tells of none: RHEL 4 and 5 take a remount of a flagged ext3, and then write on over it.
 */
export function remountRefusals(seen: Observation, { state, evidence }: Judgement): readonly string[] {
  const reasons = evidence.flatMap(({ bad, detail }) => (bad ? [detail] : []));
  const repair = REPAIR_STATES[state];
  if (repair === 'aborted' && reasons.length === 0) reasons.push('its journal was aborted');
  if (repair === 'intended-ro') reasons.push('it is meant to be read-only');
  if (repair === 'writable') reasons.push('it is not read-only');
  if (reasons.length > 0 || seen.superblock !== undefined) return reasons;
  const answer = seen.storage?.answer ?? 'not asked';
  return [`its superblock could not be read (${answer}): nothing shows that it is clean`];
}
