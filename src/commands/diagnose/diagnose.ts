import { diagnose } from '../../diagnose/diagnose.ts';
import type { Diagnosis } from '../../diagnose/incident.ts';
import { notRead } from '../../diagnose/looked.ts';
import { failure } from '../../errors.ts';
import { foreseeMachine } from '../../guest/foresee.ts';
import { printResult, say, size } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { type CommonOptions, openTarget } from '../shared/options.ts';
import { eachRoot, lookAtEach, type WithRoots } from '../shared/several.ts';
import type { DiagnoseResult } from './document.ts';
import { diagnosePage, nextSteps } from './page.ts';
import { readingProgress } from './progress.ts';
import { givenLogs, guestLogs, type Moments, momentsOf } from './request.ts';
import { SUMMARY_HEADS, summaryRows } from './summary.ts';

export interface DiagnoseOptions extends CommonOptions {
  readonly since?: string;
  readonly until?: string;
  readonly summary: boolean;
}

/** Reading this much takes long enough to say so. */
const LARGE_BYTES = 256 * 1024 * 1024;

/** `mptfix diagnose`: which path failures the logs show, what they hit, and whether the driver is to blame. */
export async function diagnoseCommand(
  files: readonly string[],
  options: WithRoots<DiagnoseOptions>,
  signal: AbortSignal,
): Promise<number> {
  const moments = momentsOf(options, Date.now());
  const guests = eachRoot(options);
  const [first, ...others] = guests;
  if (others.length > 0 && files.length > 0)
    throw failure(
      'E_USAGE',
      'files belong to no guest, so --root or --host can be given once',
      'run it once for each',
    );
  if (first === undefined || others.length > 0 || options.summary)
    return diagnoseEach(files, options, guests, moments, signal);
  const result = await look(files, first, moments);
  printResult(options, result, diagnosePage(result));
  return statusOf(result);
}

/** Where no failure was found, but not everything was seen, nothing is known. What is found is an answer. */
function statusOf({ verdict }: Pick<Diagnosis, 'verdict'>): number {
  return verdict === 'cannot-tell' ? 3 : 0;
}

/** Several guests, or one with `--summary`: a line for each incident, and one for a guest without any. */
async function diagnoseEach(
  files: readonly string[],
  options: WithRoots<DiagnoseOptions>,
  guests: readonly DiagnoseOptions[],
  moments: Moments,
  signal: AbortSignal,
): Promise<number> {
  return lookAtEach<DiagnoseOptions, DiagnoseResult, 'mptfix.diagnoses/1'>(
    {
      schema: 'mptfix.diagnoses/1',
      guests,
      heads: SUMMARY_HEADS,
      name: files.length === 0 ? undefined : files.join(' '),
      look: async (guest) => {
        const output = await look(files, guest, moments);
        const [cells = [], ...more] = summaryRows(output, options.summary);
        const below = options.summary ? [] : nextSteps(output);
        return { output, exitStatus: statusOf(output), cells, more, below };
      },
    },
    options,
    signal,
  );
}

async function look(
  files: readonly string[],
  options: DiagnoseOptions,
  { since, until }: Moments,
): Promise<DiagnoseResult> {
  const now = Date.now();
  const target = openTarget(options, true);
  foreseeMachine(target, ['journalctl']);
  const fromFiles = files.length > 0;
  const logs = fromFiles
    ? await givenLogs(files, target, options.kernel, now)
    : await guestLogs(target, options.kernel, now);
  const diagnosis = await diagnose({
    ...logs,
    since,
    until,
    onProblem: (problem) => say(printable(notRead(problem))),
    onPart: ({ name, bytes = 0 }) => {
      if (options.verbose || bytes >= LARGE_BYTES)
        say(`reading ${printable(name)}${bytes === 0 ? '' : ` (${size(bytes)})`}`);
    },
    onBytes: readingProgress(say, Date.now),
  });
  if (diagnosis.undated > 0 && (since !== undefined || until !== undefined))
    say(`${diagnosis.undated} messages have no time, so --since and --until do not apply to them`);
  return { schema: 'mptfix.diagnose/1', target: fromFiles ? null : target.name, ...diagnosis };
}
