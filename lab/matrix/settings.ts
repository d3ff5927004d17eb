import { availableParallelism, freemem } from 'node:os';
import { failure } from '../../src/errors.ts';
import type { OptionValues, Part } from '../part.ts';
import { pickPairs } from './only.ts';
import { matrixPairs, type Pair, quickPairs } from './rows.ts';

/** `--swap` is a check of the lab itself: with each driver in the other's place it must end with 1. */
export const MATRIX_OPTIONS = {
  only: { type: 'string', multiple: true },
  quick: { type: 'boolean' },
  jobs: { type: 'string' },
  again: { type: 'boolean' },
  swap: { type: 'boolean' },
} as const satisfies NonNullable<Part['options']>;

export interface MatrixSettings {
  readonly pairs: readonly Pair[];
  readonly jobs: number;
  readonly again: boolean;
  readonly swap: boolean;
  /** All that the matrix has by itself: only such a run writes the project's own report. */
  readonly isFull: boolean;
}

/** Reads the options. Throws E_USAGE. */
export function matrixSettings(options: OptionValues): MatrixSettings {
  const { only, quick = false, jobs, again = false, swap = false } = options;
  const patterns = Array.isArray(only) ? (only as readonly string[]) : [];
  if (quick === true && patterns.length > 0)
    throw failure(
      'E_USAGE',
      '--quick and --only both pick the trials',
      'give one of them: npm run lab -- matrix --quick',
    );
  return {
    pairs: patterns.length > 0 ? pickPairs(patterns) : quick === true ? quickPairs() : matrixPairs(),
    jobs: typeof jobs === 'string' ? jobsOf(jobs) : usualJobs(),
    again: again === true,
    swap: swap === true,
    isFull: quick !== true && patterns.length === 0 && swap !== true,
  };
}

function jobsOf(text: string): number {
  const jobs = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (jobs > 0) return jobs;
  throw failure('E_USAGE', `--jobs ${text} is no number from 1 to 99`, 'npm run lab -- matrix --jobs 2');
}

/** What a guest takes of this machine: 1 GB of memory for itself, and something for QEMU and the disk. */
const GUEST_BYTES = 1.3 * 2 ** 30;

/** A guest keeps a core busy while it boots, and none while its storage fails over. */
function usualJobs(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(freemem() / GUEST_BYTES)));
}
