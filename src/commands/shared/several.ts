import { asFailure } from '../../as-failure.ts';
import { EXIT_STATUS } from '../../errors.ts';
import { defined } from '../../optional.ts';
import { lookingAt, whereabouts } from '../../typed.ts';
import { failureDocument, failureLines } from '../../ui/failure.ts';
import type { FailureDocument } from '../../ui/failure-document.ts';
import { printResult } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { table } from '../../ui/table.ts';
import { type CommonOptions, openTarget, type TargetOptions } from './options.ts';

/** The same options, but `--root` and `--host` may be given several times. */
export type WithRoots<Options extends CommonOptions> = Omit<Options, 'root' | 'host'> & {
  readonly root?: readonly string[];
  readonly host?: readonly string[];
};

interface Named {
  readonly root?: readonly string[];
  readonly host?: readonly string[];
  readonly sshOption?: readonly string[] | undefined;
}

/** The options for each guest alone: first the trees, then the hosts; without either that is this machine. */
export function eachRoot<Options extends Named>(
  options: Options,
): readonly (Omit<Options, 'root' | 'host' | 'sshOption'> & TargetOptions)[] {
  const { root = [], host = [], sshOption, ...rest } = options;
  if (host.length === 0 && root.length === 0) return [{ ...rest, ...defined({ sshOption }) }];
  if (host.length === 0 && sshOption !== undefined)
    return root.map((one) => ({ ...rest, root: one, sshOption }));
  return [
    ...root.map((one) => ({ ...rest, root: one })),
    ...host.map((one) => ({ ...rest, host: one, ...defined({ sshOption }) })),
  ];
}

/** What a command found out about one guest. */
export interface Look<Output> {
  /** What it prints with `--json` of this guest alone. */
  readonly output: Output;
  /** The exit status that it would end with for this guest alone. */
  readonly exitStatus: number;
  /** The row in the table, after the guest's name. */
  readonly cells: readonly string[];
  /** Further rows of the same guest. */
  readonly more?: readonly (readonly string[])[];
  /** Lines below the table: the next command to type, say. */
  readonly below?: readonly string[];
}

export interface SeveralLooks<Options, Output, Schema extends string> {
  /** Of the document with all of them. */
  readonly schema: Schema;
  readonly guests: readonly Options[];
  /** Of the table's columns, after the one with the guest. The first of them says how it is, or has the code of an error. */
  readonly heads: readonly string[];
  readonly look: (guest: Options) => Promise<Look<Output>>;
  /** Of what a row is, where it is of no guest, such as log files. */
  readonly name?: string | undefined;
  /** Whether a guest that ends with an error is the last one. */
  readonly failFast?: boolean;
}

/** One row, as the document has it; `several-document.ts` has the schema. */
interface Result<Output> {
  readonly guest: string;
  readonly kernel: string | null;
  readonly exitStatus: number;
  readonly output: Output | FailureDocument;
}

interface Row<Output> {
  readonly result: Result<Output>;
  readonly cells: readonly (readonly string[])[];
  readonly below: readonly string[];
}

/**
 * Looks at one guest after the other, and prints one table, or one document with `--json`. A guest that cannot be looked
 * at is a row with its error, and hides no other. Answers the exit status: the worst of all.
 */
export async function lookAtEach<Options extends CommonOptions, Output, Schema extends string>(
  { schema, guests, heads, look, name, failFast = false }: SeveralLooks<Options, Output, Schema>,
  view: Pick<CommonOptions, 'json' | 'verbose'>,
  signal: AbortSignal,
): Promise<number> {
  const rows: Row<Output>[] = [];
  for (const guest of guests) {
    const one = await lookingAt(whereabouts(guest), () => row(guest, look, signal, name));
    rows.push(one);
    if (failFast && one.result.exitStatus !== 0) break;
  }
  const exitStatus = worst(rows.map(({ result }) => result.exitStatus));
  const notTried = guests.slice(rows.length).map((guest) => nameOf(guest, name));
  const below = [
    ...rows.flatMap((one) => (one.below.length === 0 ? [] : ['', ...one.below])),
    ...(notTried.length === 0 ? [] : ['', printable(`not tried: ${notTried.join(', ')}`)]),
  ];
  const page = [
    table(
      ['guest', ...heads],
      rows.flatMap(({ cells }) => cells),
    ),
    ...below,
  ].join('\n');
  const results = rows.map(({ result }) => result);
  printResult(view, { schema, exitStatus, results, ...(notTried.length === 0 ? {} : { notTried }) }, page);
  return exitStatus;
}

function nameOf(guest: CommonOptions, given: string | undefined): string {
  return given ?? guest.root ?? guest.host ?? openTarget(guest, true).name;
}

async function row<Options extends CommonOptions, Output>(
  guest: Options,
  look: (guest: Options) => Promise<Look<Output>>,
  signal: AbortSignal,
  given: string | undefined,
): Promise<Row<Output>> {
  const name = nameOf(guest, given);
  const asked = { guest: name, kernel: guest.kernel ?? null };
  signal.throwIfAborted();
  try {
    const { output, exitStatus, cells, more = [], below = [] } = await look(guest);
    return {
      result: { ...asked, exitStatus, output },
      cells: [cells, ...more].map((one) => [name, ...one]),
      below,
    };
  } catch (error) {
    // A signal ends the run, not the look at one guest.
    signal.throwIfAborted();
    const problem = asFailure(error);
    return {
      result: { ...asked, exitStatus: EXIT_STATUS[problem.code], output: failureDocument(problem) },
      cells: [[name, problem.code, ...(guest.kernel === undefined ? [] : [guest.kernel])]],
      below: failureLines(problem, printable(name)),
    };
  }
}

/**
 * The worst of several exit statuses: 9 (a guest is not as it was, nor as it should be) before all, 10 (something is wrong) before an error, whose guest was not looked at, an error
 * before 11 (looked at, and not known), and 0 last. Of several errors the first counts.
 */
export function worst(statuses: readonly number[]): number {
  const isError = (status: number): boolean => ![0, 10, 11].includes(status);
  return (
    [9, 10, statuses.find(isError), 11].find((status) => status !== undefined && statuses.includes(status)) ??
    0
  );
}
