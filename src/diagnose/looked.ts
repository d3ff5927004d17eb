import type { PartRead } from './event-stream.ts';
import type { Diagnosis, LogRead, PartProblem } from './incident.ts';
import { isoTime } from './incident-builder.ts';

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

type Sum = Pick<PartRead, 'lines' | 'kernelLines' | 'first' | 'last'>;
type Counted = { -readonly [Key in keyof Sum]: Sum[Key] };

function counted(): Counted {
  return { lines: 0, kernelLines: 0, first: null, last: null };
}

function addUp(sum: Counted, { lines, kernelLines, first, last }: Sum): void {
  sum.lines += lines;
  sum.kernelLines += kernelLines;
  if (first !== null) sum.first = Math.min(sum.first ?? first, first);
  if (last !== null) sum.last = Math.max(sum.last ?? last, last);
}

function read({ lines, kernelLines, first, last }: Counted): Omit<LogRead, 'name'> {
  return { lines, kernelLines, first: isoTime(first), last: isoTime(last) };
}

/**
 * Why "no failure found" would be no answer: nothing was recognised, or not everything was read.
 * @param named the user named the logs, so each of them counts
 */
export function reasonsNotToTell(
  { logs, looked, unread }: Pick<Diagnosis, 'logs' | 'looked' | 'unread'>,
  named: boolean,
): readonly string[] {
  const problems = unread.map(({ part, problem, partly }) => notRead({ part, problem, partly }));
  if (looked.kernelLines === 0) return [nothingRecognised(looked.lines), ...problems];
  const strange = named ? logs.filter(({ lines, kernelLines }) => lines > 0 && kernelLines === 0) : [];
  return [...strange.map(({ name, lines }) => `${name}: ${nothingRecognised(lines)}`), ...problems];
}

function nothingRecognised(lines: number): string {
  if (lines === 0) return 'there is not one line in it';
  return lines === 1 ? 'its one line is none of a kernel' : `none of the ${lines} lines is one of a kernel`;
}

/** What could not be read, and why, in one line. */
export function notRead({ part, problem, partly }: PartProblem): string {
  return `not read${partly ? ' to its end' : ''}: ${part}: ${problem}`;
}
