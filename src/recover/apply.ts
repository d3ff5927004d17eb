import { failure, isFailure } from '../errors.ts';
import { judge } from '../filesystems/judge.ts';
import { readKernelLog } from '../filesystems/kernel-messages.ts';
import { isReadOnly, type Observation } from '../filesystems/observation.ts';
import { observe, readDiskLogs } from '../filesystems/observe.ts';
import { PROBE_SECONDS, probe } from '../filesystems/probe.ts';
import { remountCommand } from '../filesystems/remount.ts';
import { REPAIR_STATES } from '../filesystems/states.ts';
import { askStorage } from '../filesystems/storage.ts';
import { readMounts } from '../guest/mounts.ts';
import { uninterrupted } from '../interruption.ts';
import type { Target } from '../machine/port.ts';
import type { Step, StepOutcome } from './document.ts';
import { repairOf } from './repair.ts';
import type { Examined } from './report.ts';
import { remountRefusals } from './report.ts';
import { type SavedLog, saveKernelLog } from './saved-log.ts';

export interface ApplyContext {
  readonly target: Target;
  /** The kernel's log when the run began. */
  readonly log: string | undefined;
  /** Mount points in trouble: nothing is written there. */
  readonly avoid: ReadonlySet<string>;
  /** Asks a person; answers whether to do it. */
  readonly agree: (step: Step, mountPoint: string) => Promise<boolean>;
  readonly signal: AbortSignal;
  /** Where the log was put; once a run. */
  saved?: SavedLog;
}

type Outcome = Pick<StepOutcome, 'outcome' | 'detail'>;

/** Does the safe steps of one file system, one after the other; a step that fails ends it. */
export async function applySteps(
  context: ApplyContext,
  { seen, report }: Examined,
): Promise<readonly StepOutcome[]> {
  const outcomes: StepOutcome[] = [];
  let mayContinue = true;
  for (const step of report.steps) {
    context.signal.throwIfAborted();
    const outcome = await applyStep(context, step, seen, mayContinue);
    if (outcome.outcome === 'failed' || outcome.outcome === 'declined') mayContinue = false;
    outcomes.push({ title: step.title, ...outcome });
  }
  return outcomes;
}

async function applyStep(
  context: ApplyContext,
  step: Step,
  seen: Observation,
  mayContinue: boolean,
): Promise<Outcome> {
  if (step.action === undefined) return { outcome: 'left', detail: 'for you to do' };
  if (!mayContinue) return { outcome: 'stopped', detail: 'an earlier step failed' };
  if (!(await context.agree(step, seen.mount.mountPoint)))
    return { outcome: 'declined', detail: 'not agreed' };
  return ACTIONS[step.action](context, seen);
}

const ACTIONS: Readonly<
  Record<NonNullable<Step['action']>, (context: ApplyContext, seen: Observation) => Promise<Outcome>>
> = {
  'ask-storage': storageAnswers,
  'save-kernel-log': saveLog,
  look,
  remount: (context, seen) => uninterrupted(VERIFIES, () => remountAndVerify(context, seen)),
  probe: probeAgain,
};

const VERIFIES = 'the remount is verified first, or taken back: that is not cut off';

async function storageAnswers({ target }: ApplyContext, { devicePath }: Observation): Promise<Outcome> {
  const answer = await askStorage(target, devicePath);
  const detail = 'detail' in answer ? `${answer.answer}: ${answer.detail}` : answer.answer;
  return { outcome: answer.answer === 'yes' ? 'done' : 'failed', detail };
}

async function saveLog(context: ApplyContext): Promise<Outcome> {
  if (context.log === undefined) return { outcome: 'failed', detail: 'dmesg could not be read' };
  try {
    context.saved ??= await saveKernelLog(
      context.target,
      context.log,
      await readMounts(context.target),
      context.avoid,
    );
  } catch (error) {
    // What was done before is reported all the same.
    if (isFailure(error)) return { outcome: 'failed', detail: error.failure.what };
    throw error;
  }
  const { path, volatile } = context.saved;
  return { outcome: 'done', detail: volatile ? `${path} (in memory: copy it before a reboot)` : path };
}

/** Bit of fsck(8)'s exit status: errors were left. */
const ERRORS_LEFT = 4;

async function look({ target, signal }: ApplyContext, seen: Observation): Promise<Outcome> {
  const command =
    seen.devicePath === undefined ? null : (repairOf(seen.mount.fsType).look?.(seen.devicePath) ?? null);
  if (command === null) return { outcome: 'done', detail: 'no tool can check it while it is mounted' };
  const { status, stdout } = await target.run(command, { effect: 'read', signal });
  if (status === 127) return { outcome: 'done', detail: `${command[0]} is not installed: not checked` };
  const lines = stdout
    .toString('utf8')
    .replace(/[^\x20-\x7e\n]/g, '?')
    .trim()
    .split('\n');
  const last = lines.at(-1)?.slice(0, 200) ?? '';
  if (status === 0) return { outcome: 'done', detail: last };
  const found = (status & ERRORS_LEFT) !== 0 ? 'it found errors' : `it ended with ${status}`;
  // Of a file system that is given up errors are what is expected, and the steps by hand follow.
  return { outcome: isReadOnly(seen) ? 'failed' : 'done', detail: `${found}: ${last}` };
}

/**
 * Looks once more, remounts, and believes nothing but what it sees then. Throws E_REMOUNT where it did not work and
 * is as it was, E_REMOUNT_UNDO where it may not be.
 */
async function remountAndVerify({ target }: ApplyContext, seen: Observation): Promise<Outcome> {
  const fresh = await lookAgain(target, seen);
  const refusals = remountRefusals(fresh, judge(fresh, true));
  if (refusals.length > 0) return { outcome: 'failed', detail: `refused: ${refusals.join('; ')}` };
  const device = seen.devicePath ?? seen.mount.source;
  const { status, stderr } = await target.run(remountCommand(seen.mount, device, ['rw']), {
    effect: 'write',
    timeoutMs: REMOUNT_LIMIT_MS,
  });
  const where = seen.mount.mountPoint;
  if (status !== 0) {
    throw failure(
      'E_REMOUNT',
      `mount did not make ${where} writable: ${stderr.split('\n')[0] ?? ''}`,
      'look at the kernel’s messages (`dmesg | tail`); it is read-only as before',
    );
  }
  const problem = await writeProblem(target, seen);
  if (problem === undefined) return { outcome: 'done', detail: 'it is read-write' };
  return putBack(target, seen, device, problem);
}

const REMOUNT_LIMIT_MS = 60_000;

async function putBack(target: Target, seen: Observation, device: string, problem: string): Promise<never> {
  const where = seen.mount.mountPoint;
  const command = remountCommand(seen.mount, device, ['ro']);
  const { status } = await target.run(command, { effect: 'write', timeoutMs: REMOUNT_LIMIT_MS });
  const what = `${where} was mounted read-write, and a write failed: ${problem}`;
  const next = 'make sure that the storage answers (dmesg), then unmount it and check it';
  if (status === 0) throw failure('E_REMOUNT', `${what}; it is read-only again`, next);
  throw failure('E_REMOUNT_UNDO', `${what}; it could not be made read-only again`, next);
}

async function probeAgain({ target }: ApplyContext, seen: Observation): Promise<Outcome> {
  const problem = await writeProblem(target, seen);
  return problem === undefined
    ? {
        outcome: 'done',
        detail: 'it is writable, and a file was written, synced and removed',
      }
    : { outcome: 'failed', detail: problem };
}

/** Outcomes of a probe that say nothing against the file system: it is full, or takes no file in this place. */
const NO_MATTER: ReadonlySet<string> = new Set(['ok', 'ENOSPC', 'EDQUOT', 'EACCES', 'EPERM']);

/**
 * Writes a file, waits until the disk has it, removes it, and looks at what the kernel did with it. Undefined: it is
 * writable. A disk that takes nothing may look full to the writer; then the kernel's log shows it.
 */
async function writeProblem(target: Target, seen: Observation): Promise<string | undefined> {
  const [result] = (await probe([seen.mount.mountPoint], PROBE_SECONDS)).results;
  if (result === undefined || !NO_MATTER.has(result.outcome))
    return `${result?.outcome ?? 'no answer'}: ${result?.detail ?? ''}`;
  const fresh = await lookAgain(target, seen);
  const { state, evidence } = judge(fresh, true);
  if (REPAIR_STATES[state] === 'writable') return undefined;
  const bad = evidence.flatMap((one) => (one.bad ? [one.detail] : []));
  return `it is ${REPAIR_STATES[state]} now: ${bad.join('; ')}`;
}

/** The same file system as it is now, its mounts and the kernel's log read again. */
async function lookAgain(target: Target, seen: Observation): Promise<Observation> {
  const all = await readMounts(target);
  const at = all.findLast(({ mountPoint }) => mountPoint === seen.mount.mountPoint) ?? seen.mount;
  const others = all.filter(({ device, mountPoint }) => device === at.device && mountPoint !== at.mountPoint);
  const log = await readDiskLogs(target, await readKernelLog(target));
  return observe(target, { ...seen.fileSystem, mounts: [at, ...(at.device === '' ? [] : others)] }, log);
}
