import satisfies from 'semver/functions/satisfies.js';
import type { Verdict } from './verdict.ts';

/**
 * How long a guest's I/O outlasts a storage that answers BUSY, in seconds; `unbounded` where the kernel
 * retries forever. Undefined: not known.
 */
export type SurvivalSeconds = number | 'unbounded' | undefined;

export interface SurvivalWindow {
  /** With the driver as it is. 0 for an affected driver: a few immediate retries, then an I/O error. */
  readonly now: SurvivalSeconds;
  /** Without the branch: the SCSI midlayer sees BUSY and puts the command back into the queue. */
  readonly afterFix: SurvivalSeconds;
  /** The rule behind `afterFix`, one line for a person. */
  readonly rule: string;
}

export interface SurvivalQuestion {
  /** Mainline version, semver. */
  readonly base: string;
  /** What the driver does; `now` follows from it. */
  readonly verdict: Verdict;
  /** The disk's command timeout, /sys/block/sdX/device/timeout, in seconds; 30 by default. */
  readonly timeoutSeconds: number;
}

interface Rule {
  /** Range of mainline versions that the kernel is based on. */
  readonly kernels: string;
  readonly seconds: (timeoutSeconds: number) => number | 'unbounded';
  readonly rule: string;
}

/** SD_MAX_RETRIES of drivers/scsi/sd.h, the same in all these kernels. */
const ALLOWED = 5;

/**
 * How long the midlayer requeues a command that ends with DID_OK and status BUSY (`scsi_softirq` and
 * `scsi_softirq_done` of drivers/scsi/scsi.c and scsi_lib.c; ADD_TO_MLQUEUE, which is not counted as a
 * retry). RHEL 4 is based on 2.6.9 and RHEL 5 on 2.6.18, and both follow their base here. Release candidates
 * between two rules are in none. Kernels 2.4 are not known.
 */
const RULES: readonly Rule[] = [
  {
    kernels: '>=2.6.0 <=2.6.13',
    seconds: () => 'unbounded',
    rule: 'kernels before 2.6.14 (RHEL 4 too) retry without limit',
  },
  {
    kernels: '>=2.6.14 <=2.6.15',
    seconds: (timeout) => ALLOWED * timeout,
    rule: `kernels 2.6.14 and 2.6.15 retry for ${ALLOWED} times the timeout`,
  },
  {
    kernels: '>=2.6.16',
    seconds: (timeout) => (ALLOWED + 1) * timeout,
    rule: `kernels from 2.6.16 on (RHEL 5 too) retry for ${ALLOWED} + 1 times the timeout`,
  },
];

/** The survival window of a disk. Pure; unknown for a version or a timeout that makes no sense. */
export function survivalWindow(question: SurvivalQuestion): SurvivalWindow {
  const { base, verdict, timeoutSeconds } = question;
  const found = RULES.find(({ kernels }) => satisfies(base, kernels, { includePrerelease: true }));
  const sane = Number.isFinite(timeoutSeconds) && timeoutSeconds > 0;
  const afterFix = sane ? found?.seconds(timeoutSeconds) : undefined;
  const rule = found?.rule ?? 'it is not known how long this kernel retries';
  return { now: presentWindow(verdict, afterFix), afterFix, rule };
}

function presentWindow(verdict: Verdict, withoutBranch: SurvivalSeconds): SurvivalSeconds {
  if (verdict === 'affected') return 0;
  return verdict === 'fixed' || verdict === 'never' ? withoutBranch : undefined;
}
