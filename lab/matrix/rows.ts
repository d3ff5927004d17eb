import { KERNELS } from '../kernels/table.ts';
import { type FailureKind, FILE_SYSTEMS, type FileSystem, type TrialRow } from '../trial/record.ts';

/** What is tried with both drivers. */
export type Pair = Omit<TrialRow, 'driver'>;

export const DRIVERS = ['affected', 'patched'] as const satisfies readonly TrialRow['driver'][];

interface Failures {
  readonly failure: FailureKind;
  readonly seconds: readonly number[];
  /** Where it is tried unless `--only` names it: everywhere, or on one kernel and file system. */
  readonly everywhere: boolean;
}

/**
 * The most telling first. The window of the patched driver is 180 s, as docs/lab.md has it: 5, 15 and 60 s are within it,
 * 200 s are not. `slow` holds each answer back for so long; the SCSI layer's time limit is 30 s.
 */
const FAILURES: readonly Failures[] = [
  { failure: 'busy', seconds: [15], everywhere: true },
  { failure: 'task-set-full', seconds: [15], everywhere: false },
  { failure: 'becoming-ready', seconds: [15], everywhere: false },
  { failure: 'not-ready', seconds: [15], everywhere: false },
  { failure: 'aborted-command', seconds: [15], everywhere: false },
  { failure: 'slow', seconds: [5], everywhere: false },
  { failure: 'lost-connection', seconds: [15], everywhere: false },
  { failure: 'busy', seconds: [60, 5, 200], everywhere: true },
];

/** The order in which they are tried. */
const KERNEL_ORDER = ['6.1-amd64', '5.10-amd64', '6.12-amd64', '6.1-686-pae'];
const FILE_SYSTEM_ORDER: readonly FileSystem[] = ['ext4', 'ext3', 'xfs'];
/** Where what is not tried everywhere is tried. */
const ONE = { kernel: KERNEL_ORDER[0], fileSystem: FILE_SYSTEM_ORDER[0] };

/** Every pair that there is, the most telling first. */
export function allPairs(): readonly Pair[] {
  return FAILURES.flatMap(({ failure, seconds }) =>
    seconds.flatMap((one) =>
      KERNEL_ORDER.flatMap((kernel) =>
        FILE_SYSTEM_ORDER.map((fileSystem): Pair => ({ kernel, fileSystem, failure, seconds: one })),
      ),
    ),
  );
}

/** What the full matrix tries. */
export function matrixPairs(): readonly Pair[] {
  return allPairs().filter(
    ({ kernel, fileSystem, failure }) =>
      FAILURES.some((row) => row.failure === failure && row.everywhere) ||
      (kernel === ONE.kernel && fileSystem === ONE.fileSystem),
  );
}

/** `--quick`: the contrast on each file system and for several lengths, on one kernel. */
export function quickPairs(): readonly Pair[] {
  return matrixPairs().filter(
    ({ kernel, fileSystem, failure, seconds }) =>
      kernel === ONE.kernel &&
      failure === 'busy' &&
      (seconds === 15 || (fileSystem === ONE.fileSystem && seconds < 100)),
  );
}

/** A pair's two trials. */
export function trialsOf(pair: Pair): readonly TrialRow[] {
  return DRIVERS.map((driver) => ({ ...pair, driver }));
}

/** As `--only` and messages name it: `6.1-amd64 ext4 busy:15`. */
export function pairName({ kernel, fileSystem, failure, seconds }: Pair): string {
  return `${kernel} ${fileSystem} ${failure}:${seconds}`;
}

/** Names that `--only` knows, for its messages. */
export const NAMES = {
  kernel: KERNELS.map(({ name }) => name),
  fs: FILE_SYSTEMS,
  failure: [...new Set(FAILURES.map(({ failure }) => failure))],
} as const;
