import { sumOfRepairs } from '../kernel-log/repair.ts';
import type { Diagnosis, LogRead, PartProblem } from './incident.ts';
import { isoTime } from './incident-builder.ts';
import type { PartRead } from './stream.ts';

/** Adds up what was read: for each log, and of all together. */
export function lookedAt() {
  const logs = new Map<string, Counted>();
  const all = counted();
  return {
    add: ({ source, ...read }: PartRead): void => {
      const log = logs.get(source.name) ?? counted();
      logs.set(source.name, log);
      addUp(log, read);
      addUp(all, read);
    },
    logs: (): readonly LogRead[] => [...logs].map(([name, log]) => ({ name, ...read(log) })),
    all: (): Omit<LogRead, 'name'> => read(all),
  };
}

type Sum = Pick<PartRead, 'lines' | 'kernelLines' | 'hypervisorLines' | 'repairs' | 'first' | 'last'>;
type Counted = { -readonly [Key in keyof Sum]: Sum[Key] };

function counted(): Counted {
  return { lines: 0, kernelLines: 0, hypervisorLines: 0, repairs: [], first: null, last: null };
}

function addUp(sum: Counted, { lines, kernelLines, hypervisorLines, repairs, first, last }: Sum): void {
  sum.lines += lines;
  sum.kernelLines += kernelLines;
  sum.hypervisorLines += hypervisorLines;
  sum.repairs = sumOfRepairs([...sum.repairs, ...repairs]);
  if (first !== null) sum.first = Math.min(sum.first ?? first, first);
  if (last !== null) sum.last = Math.max(sum.last ?? last, last);
}

function read({ first, last, ...counts }: Counted): Omit<LogRead, 'name'> {
  return { ...counts, first: isoTime(first), last: isoTime(last) };
}

/** What was asked for, as far as it decides whether an answer can be given. */
export interface Asked {
  /** The user named the logs, so each of them counts. */
  readonly named: boolean;
  /** A running kernel's own buffer was among the logs: it has what no file could take. */
  readonly live: boolean;
  /** Milliseconds since the epoch. */
  readonly since: number | undefined;
  readonly until: number | undefined;
}

/** Why "no failure found" would be no answer: nothing was recognised, or not everything was read. */
export function reasonsNotToTell(
  { logs, looked, unread }: Pick<Diagnosis, 'logs' | 'looked' | 'unread'>,
  { named, live, since, until }: Asked,
): readonly string[] {
  const problems = unread.map(({ part, problem, partly }) => notRead({ part, problem, partly }));
  if (looked.kernelLines === 0) return [nothingRecognised(looked), ...problems];
  const strange = named ? logs.filter(({ lines, kernelLines }) => lines > 0 && kernelLines === 0) : [];
  const outside = live ? [] : outsideOf(looked, since, until);
  return [...outside, ...strange.map((log) => `${log.name}: ${nothingRecognised(log)}`), ...problems];
}

/** Logs that end before the time that was asked for: syslog stops when /var is read-only, which is what is looked for. */
function outsideOf(
  { first, last }: Pick<LogRead, 'first' | 'last'>,
  since = Number.NEGATIVE_INFINITY,
  until = Number.POSITIVE_INFINITY,
): readonly string[] {
  if (last !== null && Date.parse(last) < since) return [`the logs end at ${last}, before --since`];
  return first !== null && Date.parse(first) > until ? [`the logs begin at ${first}, after --until`] : [];
}

function nothingRecognised({ lines, hypervisorLines }: Omit<LogRead, 'name'>): string {
  if (hypervisorLines > 0)
    return `this is the log of a hypervisor (${hypervisorLines} lines), which has no failed command; the guest’s own log tells what its kernel saw`;
  if (lines === 0) return 'there was not one line to read';
  return lines === 1
    ? 'its one line is not a kernel’s message'
    : `none of the ${lines} lines is a kernel’s message`;
}

/** What could not be read, and why, in one line. */
export function notRead({ part, problem, partly }: PartProblem): string {
  return `not read${partly ? ' to its end' : ''}: ${part}: ${problem}`;
}
