import { findRoutine, type Routine } from './completion.ts';
import { BUSY, HOST, hostName, hostOf, isSuccessName, OTHER_STATUSES } from './constants.ts';
import { execute, resultsOf } from './execute.ts';
import type { Preprocessed } from './preprocess.ts';
import type { Allowance, ResultWrite, Run } from './run.ts';
import { unclear } from './syntax.ts';

/** What the completion routine does with commands whose IOC status is SUCCESS. */
export interface Judgement {
  readonly routine: Routine;
  readonly shape: 'affected' | 'requeue-variant' | 'branch-removed' | 'never-had-it';
  readonly detail: string;
  /** Results of a command, by the status byte that its target answered with; undefined where they are not known. */
  readonly results: ReadonlyMap<number, readonly number[] | undefined>;
  /** The writes that a BUSY command passes, in order. */
  readonly writes: readonly ResultWrite[];
  /** Tokens DID_BUS_BUSY that a BUSY command passes and a good one does not, as indexes into the routine's tokens. */
  readonly busBusy: readonly number[];
}

interface Observed {
  readonly run: Run;
  readonly results: readonly number[] | undefined;
}

/** Which statuses to follow: BUSY and GOOD are enough to decide, a proof wants them all. */
export type Depth = 'decide' | 'every-status';

/** Judges one choice of `#if` conditions. Undefined where the file has no completion routine; throws `unclear`. */
export function judge(source: Preprocessed, depth: Depth, allowance: Allowance): Judgement | undefined {
  const routine = findRoutine(source.tokens);
  if (routine === undefined) return undefined;
  const follow = (answer: Answer): Observed => observe(routine, source, answer, allowance);
  const busy = follow({ status: BUSY, state: 0 });
  const good = follow({ status: 0, state: 0 });
  const results = new Map([
    [BUSY, busy.results],
    [0, good.results],
  ]);
  for (const status of depth === 'decide' ? [] : OTHER_STATUSES) {
    results.set(status, follow({ status, state: 0 }).results);
  }
  const { shape, detail } = shapeOf(busy, good, routine);
  if (shape !== 'affected') refuseOtherStates(routine, follow({ status: BUSY, state: undefined }));
  const busBusy = [...busy.run.busBusy].filter((at) => !good.run.busBusy.has(at));
  return { routine, shape, detail, results, writes: busy.run.writes, busBusy };
}

/** A target's answer: its status byte, and the controller's flags on it (undefined: any). */
interface Answer {
  readonly status: number;
  readonly state: number | undefined;
}

/** BUSY comes without sense data; but a branch for a BUSY with sense data would be the branch too. */
function refuseOtherStates(routine: Routine, { run, results }: Observed): void {
  const isBranch = (value: number) => hostOf(value) === HOST.BUS_BUSY;
  const write = run.writes.find((one) => one.value?.some(isBranch));
  const line = routine.tokens[write?.node.first ?? -1]?.line;
  if (results === undefined ? write !== undefined : results.some(isBranch))
    throw unclear('DID_BUS_BUSY is set under a condition on the SCSI state', line);
}

/** Follows a command that the target answered so. */
function observe(routine: Routine, source: Preprocessed, answer: Answer, allowance: Allowance): Observed {
  const offset = routine.tokens.at(-1)?.end ?? 0;
  const run: Run = {
    tokens: routine.tokens,
    macro: (name) => source.macroAt(name, offset),
    inputs: new Map([
      ['SCSIStatus', answer.status],
      ...(answer.state === undefined ? [] : [['SCSIState', answer.state] as const]),
      ['IOCStatus', 0],
    ]),
    writes: [],
    busBusy: new Set(),
    macroDepth: 0,
    outer: undefined,
    reached: false,
    allowance,
    writers: routine.writers,
  };
  const outcomes = execute(routine.body, routine.way, run);
  const commands = new Set(run.writes.map((write) => write.command));
  const [command] = commands;
  if (command === undefined) throw unclear(`${routine.name} sets no result`);
  if (commands.size > 1) throw unclear(`${routine.name} sets the results of ${[...commands].join(' and ')}`);
  return { run, results: resultsOf(outcomes, command) };
}

function shapeOf(busy: Observed, good: Observed, routine: Routine): Pick<Judgement, 'shape' | 'detail'> {
  const line = routine.tokens[busy.run.writes.at(-1)?.node.first ?? -1]?.line;
  const { results } = busy;
  if (results === undefined || results.length === 0)
    throw unclear('the result of a BUSY command is not clear', line);
  const hosts = results.map(hostOf);
  if (hosts.includes(HOST.BUS_BUSY)) {
    if (good.results === undefined || good.results.map(hostOf).includes(HOST.BUS_BUSY)) {
      throw unclear('DID_BUS_BUSY is set under a condition that is not the test for BUSY', line);
    }
    const outcome = 'DID_BUS_BUSY: a few immediate retries, then an I/O error';
    return { shape: 'affected', detail: `a BUSY command ends as ${outcome}` };
  }
  // A result that a good command can have too does not depend on BUSY, unless it loses the BUSY.
  const telling = results.filter((result) => result === 0 || !(good.results ?? []).includes(result));
  // The midlayer looks at the host byte first, so a requeue without the status is one as well.
  const odd = telling.find((result) => result !== BUSY && !isRequeue(hostOf(result)));
  if (odd !== undefined || telling.length === 0)
    throw unclear(`a BUSY command ends as ${describe(odd ?? results[0] ?? 0)}`, line);
  const requeue = telling.find((result) => isRequeue(hostOf(result)));
  if (requeue !== undefined) {
    const detail = `a BUSY command ends as ${hostName(hostOf(requeue))}: the kernel requeues it`;
    return { shape: 'requeue-variant', detail };
  }
  const kept = 'a BUSY command keeps DID_OK and its status';
  return remapsUnderrun(routine)
    ? { shape: 'branch-removed', detail: `${kept}: the kernel requeues it` }
    : { shape: 'never-had-it', detail: `${kept}; the code is older than the branch (2.6.14)` };
}

function isRequeue(host: number): boolean {
  return host === HOST.REQUEUE || host === HOST.COND_REQUEUE || host === HOST.IMM_RETRY;
}

function describe(result: number): string {
  if (result === 0) return 'plain success, its status lost';
  return `${hostName(hostOf(result))} with status 0x${(result & 0xff).toString(16).padStart(2, '0')}`;
}

/**
 * One commit brought the branch and the remap of an empty underrun to SUCCESS above the switch (mainline 466544d8898),
 * and the commit that removed the branch left the remap. So a file with the remap and without the branch once had the
 * branch; a file without the remap is older. True for every mainline and RHEL 3 to 5 file that was examined.
 */
function remapsUnderrun(routine: Routine): boolean {
  return routine.tokens.some((token, at) => {
    if (!isSuccessName(token.text)) return false;
    const before = routine.tokens[at - 1]?.text;
    return before === '=' || before === '?' || before === ':';
  });
}
