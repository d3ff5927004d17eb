import type { Cause } from '../kernel-log/cause.ts';
import type { Verdict } from './incident.ts';

/** Counts causes; memory is bounded by the number of different ones. */
export interface CauseTally {
  add(cause: Cause, count: number): void;
  verdict(): Verdict;
  /** Each piece of evidence, with how often it was seen. */
  results(): readonly { readonly text: string; readonly count: number }[];
}

interface Counted {
  readonly cause: Cause;
  count: number;
}

const MAX_DIFFERENT = 64;

export function causeTally(): CauseTally {
  const seen = new Map<string, Counted>();
  return {
    add: (cause, count) => {
      const known = seen.get(cause.evidence);
      if (known !== undefined) known.count += count;
      else if (seen.size < MAX_DIFFERENT) seen.set(cause.evidence, { cause, count });
    },
    verdict: () => verdictOf([...seen.values()]),
    results: () => [...seen].map(([text, { count }]) => ({ text, count })),
  };
}

/** Which of several findings decides: the first row that fits. */
const RULES: readonly ((cause: Cause) => boolean)[] = [
  // The status byte was seen: nothing else turns BUSY into this on these kernels.
  ({ cause, certainty }) => cause === 'this-bug' && certainty === 'certain',
  // The kernel itself says that it retried. With the branch in the driver it never gets that far.
  ({ cause, certainty }) => cause === 'window-used-up' && certainty === 'certain',
  ({ cause }) => cause === 'window-used-up',
  ({ cause }) => cause === 'this-bug',
  () => true,
];

function verdictOf(seen: readonly Counted[]): Verdict {
  for (const fits of RULES) {
    const first = seen.find(({ cause }) => fits(cause))?.cause;
    if (first === undefined) continue;
    const { cause, certainty } = first;
    return { cause, certainty, evidence: seen.filter((one) => one.cause.cause === cause).map(evidence) };
  }
  return {
    cause: 'other',
    certainty: 'likely',
    evidence: ['the log has no result of a SCSI command, so it does not show the cause'],
  };
}

function evidence({ cause, count }: Counted): string {
  return `${cause.evidence} (${count} ${count === 1 ? 'message' : 'messages'})`;
}

const ORDER = { 'this-bug': 0, 'window-used-up': 1, other: 2 } as const;

/** The worst of several verdicts. */
export function worst(verdicts: readonly Verdict[]): Verdict | undefined {
  return [...verdicts].sort((a, b) => ORDER[a.cause] - ORDER[b.cause])[0];
}
