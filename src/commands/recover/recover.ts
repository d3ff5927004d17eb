import { failure } from '../../errors.ts';
import { foreseeMachine } from '../../guest/foresee.ts';
import { traitsOf } from '../../machine/kinds.ts';
import type { Target } from '../../machine/port.ts';
import { type ApplyContext, applySteps } from '../../recover/apply.ts';
import type { Step, StepOutcome } from '../../recover/document.ts';
import { examine, HEALTHY, recovery } from '../../recover/report.ts';
import { deadServices } from '../../recover/services.ts';
import { lockAnyGuest, whileLocked } from '../../transaction/lock.ts';
import { typed } from '../../typed.ts';
import { printResult, say } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { askYes, canAsk } from '../../ui/prompt.ts';
import { type CommonOptions, type MutatingOptions, openTarget } from '../shared/options.ts';
import type { RecoverResult } from './document.ts';
import { recoverPage, stepPage } from './page.ts';

export interface RecoverOptions extends CommonOptions, MutatingOptions {
  readonly apply: boolean;
}

const STATUS: Readonly<Record<RecoverResult['result'], number>> = {
  well: 0,
  advised: 0,
  recovered: 0,
  'by-hand': 3,
};

/** `mptfix recover`: what to do for file systems that went read-only; with --apply the safe steps of it. */
export async function recover(
  mountPoints: readonly string[],
  options: RecoverOptions,
  signal: AbortSignal,
): Promise<number> {
  const acting = options.apply && !options.dryRun;
  const target = openTarget(options, !acting);
  foreseeMachine(target, []);
  if (acting) return show(options, await act(target, mountPoints, options, signal));
  const found = await recovery(target, mountPoints);
  const well = found.fileSystems.every(({ state }) => HEALTHY.includes(state));
  return show(options, {
    schema: 'mptfix.recover/1',
    result: well ? 'well' : 'advised',
    target: target.name,
    ...found,
    outcomes: null,
    savedLog: null,
  });
}

async function act(
  target: Target,
  mountPoints: readonly string[],
  options: RecoverOptions,
  signal: AbortSignal,
): Promise<RecoverResult> {
  requireRunning(target, options);
  return whileLocked(lockAnyGuest(target), async () => {
    const { init, examined, log } = await examine(target, mountPoints);
    const damaged = examined.filter(({ report }) => !HEALTHY.includes(report.state));
    const context: ApplyContext = {
      target,
      log,
      avoid: new Set(damaged.map(({ report }) => report.mountPoint)),
      agree: (step, mountPoint) => agree(step, mountPoint, options, signal),
      signal,
    };
    const outcomes: Record<string, readonly StepOutcome[]> = {};
    for (const one of damaged) outcomes[one.report.mountPoint] = await applySteps(context, one);
    const recovered = damaged.every(({ report }) =>
      isRecovered(outcomes[report.mountPoint] ?? [], report.steps),
    );
    return {
      schema: 'mptfix.recover/1',
      result: damaged.length === 0 ? 'well' : recovered ? 'recovered' : 'by-hand',
      target: target.name,
      init,
      fileSystems: examined.map(({ report }) => report),
      services: await deadServices(target, init),
      outcomes,
      savedLog: context.saved?.path ?? null,
    };
  });
}

/** Writable again: the probe is the last that mptfix does. */
function isRecovered(outcomes: readonly StepOutcome[], steps: readonly Step[]): boolean {
  const probe = steps.findIndex(({ action }) => action === 'probe');
  return probe !== -1 && outcomes[probe]?.outcome === 'done';
}

function requireRunning(target: Target, options: RecoverOptions): void {
  const { isRunning, isHere } = traitsOf(target);
  if (!isHere) {
    throw failure(
      'E_USAGE',
      isRunning
        ? 'recover --apply does not work over ssh: it acts on the machine that mptfix runs on'
        : 'recover --apply works on the running guest only: it mounts nothing of a tree',
      `${typed('recover')} lists the steps`,
    );
  }
  if (process.geteuid?.() !== 0)
    throw failure('E_NOT_ROOT', 'only root may read disks and mount', 'run the same command as root (sudo)');
  if (!options.yes && !canAsk()) {
    throw failure(
      'E_CONFIRM_REQUIRED',
      'recover --apply asks before each step, and there is no terminal to ask at',
      `review the steps with ${typed('recover')}, then run the command again with --yes`,
    );
  }
}

async function agree(
  step: Step,
  mountPoint: string,
  options: RecoverOptions,
  signal: AbortSignal,
): Promise<boolean> {
  if (options.yes) {
    say(`${printable(mountPoint)}: ${step.title}`);
    return true;
  }
  say(stepPage(step, mountPoint));
  return askYes('Do it?', signal);
}

function show(options: RecoverOptions, result: RecoverResult): number {
  printResult(options, result, recoverPage(result));
  return STATUS[result.result];
}
