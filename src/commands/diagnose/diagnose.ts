import { resolve } from 'node:path';
import { diagnose } from '../../diagnose/diagnose.ts';
import { liveNames, treeNames } from '../../diagnose/resolve.ts';
import {
  fileSources,
  journalSource,
  kernelBufferSource,
  type LogSource,
  logFileSources,
  zoneOf,
} from '../../diagnose/sources.ts';
import { DURATION_FORMS } from '../../duration.ts';
import { failure } from '../../errors.ts';
import type { Target } from '../../machine/port.ts';
import { localTarget } from '../../machine/tree.ts';
import { printResult, say, size } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { type CommonOptions, openTarget } from '../shared/options.ts';
import type { DiagnoseResult } from './document.ts';
import { parseMoment } from './moment.ts';
import { diagnosePage } from './page.ts';

export interface DiagnoseOptions extends CommonOptions {
  readonly since?: string;
  readonly until?: string;
}

/** Reading this much takes long enough to say so. */
const LARGE_BYTES = 256 * 1024 * 1024;

/** `mptfix diagnose`: which path failures the logs show, what they hit, and whether the driver is to blame. */
export async function diagnoseCommand(files: readonly string[], options: DiagnoseOptions): Promise<number> {
  const now = Date.now();
  const since = moment('--since', options.since, now);
  const until = moment('--until', options.until, now);
  const target = openTarget(options, true);
  const fromFiles = files.length > 0;
  const zone = target.kind === 'root' ? await zoneOf(target) : undefined;
  const diagnosis = await diagnose({
    sources: fromFiles ? await givenSources(files, now) : await guestSources(target, now),
    // A file may come from any machine: the names of this one would mislead.
    names: fromFiles ? null : await (target.kind === 'local' ? liveNames(target) : treeNames(target)),
    since,
    until,
    zone,
    onProblem: ({ part, problem, partly }) =>
      say(`not read${partly ? ' to its end' : ''}: ${printable(part)}: ${printable(problem)}`),
    onPart: ({ name, bytes = 0 }) => {
      if (options.verbose || bytes >= LARGE_BYTES)
        say(`reading ${printable(name)}${bytes === 0 ? '' : ` (${size(bytes)})`}`);
    },
  });
  if (diagnosis.undated > 0 && (since !== undefined || until !== undefined))
    say(`${diagnosis.undated} messages have no time, so --since and --until do not apply to them`);
  const result: DiagnoseResult = {
    schema: 'mptfix.diagnose/1',
    target: fromFiles ? null : target.name,
    ...diagnosis,
  };
  printResult(options, result, diagnosePage(result));
  return 0;
}

function moment(option: string, text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseMoment(text, now);
  if (ms !== undefined) return ms;
  throw failure(
    'E_USAGE',
    `${option} takes a date or time, not ${JSON.stringify(text)}`,
    `write it as ${option} 2026-01-31, ${option} '2026-01-31 14:00', ${option} @1767225600, or how long ago: ${DURATION_FORMS}`,
  );
}

async function guestSources(target: Target, now: number): Promise<readonly LogSource[]> {
  const files = await logFileSources(target);
  const journal = await journalSource(target, now);
  const buffer = target.kind === 'local' ? [await kernelBufferSource(target, now)] : [];
  return [...files, ...(journal === undefined ? [] : [journal]), ...buffer];
}

async function givenSources(files: readonly string[], now: number): Promise<readonly LogSource[]> {
  const machine = localTarget({ dryRun: true });
  const named = files.filter((file) => file !== '-').map((file) => resolve(file));
  const open = (): AsyncIterable<Uint8Array> => process.stdin;
  const stdin: LogSource = {
    name: 'standard input',
    parts: [{ name: 'standard input', until: now, open }],
  };
  return [...(await fileSources(machine, named)), ...(files.includes('-') ? [stdin] : [])];
}
