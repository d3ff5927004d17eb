import { say } from '../../src/ui/output.ts';
import { KERNEL_NEEDS } from '../kernels/needs.ts';
import { MACHINE_NEEDS } from '../machine/virtual-machine.ts';
import type { Lab, OptionValues, Part, Shown } from '../part.ts';
import type { TrialRow } from '../trial/record.ts';
import { TRIAL_NEEDS } from '../trial/trial.ts';

import { openBench } from './bench.ts';
import { lostOf } from './contrast.ts';
import { keepMachine, thisMachine } from './machine.ts';
import { openPlaces } from './places.ts';
import { DOCS, reportFrom } from './report/part.ts';
import { shown } from './result.ts';
import { pairName } from './rows.ts';
import { type Outcome, runTrials } from './run.ts';
import { MATRIX_OPTIONS, matrixSettings } from './settings.ts';

/** Both drivers on several kernels and file systems, and several ways in which a storage fails over. */
export const matrixPart: Part = {
  title: 'matrix: path failures on several kernels and file systems, with both drivers',
  needs: [...MACHINE_NEEDS, ...TRIAL_NEEDS, ...KERNEL_NEEDS],
  options: MATRIX_OPTIONS,
  onlyByName: true,
  // The full matrix takes some four hours of guests one after the other on an idle machine.
  limitMinutes: 16 * 60,
  run,
};

async function run(lab: Lab, options: OptionValues): Promise<Shown> {
  const settings = matrixSettings(options);
  const { machine } = lab.workspace;
  const places = await openPlaces(machine, lab.base);
  try {
    const records = settings.swap ? places.swapped : places.records;
    await keepMachine(machine, records, await thisMachine(machine, settings.jobs));
    say(`${settings.pairs.length * 2} trials, ${settings.jobs} side by side; their records: ${records}`);
    const bench = openBench(lab, {
      records,
      kernels: places.kernels,
      again: settings.again || settings.swap,
      swap: settings.swap,
    });
    const { jobs, pairs } = settings;
    const over = overSayer(pairs.length * 2);
    const result = shown(await runTrials(pairs, { ...bench, over }, { jobs, signal: lab.signal }));
    if (settings.swap) return result;
    const place = settings.isFull ? DOCS : { folder: places.report, wanted: pairs };
    return await withReport(result, () => reportFrom(machine, records, place));
  } finally {
    await places.close();
  }
}

/** Whoever has waited for hours gets the result also where its report cannot be written. */
async function withReport(result: Shown, write: () => Promise<string>): Promise<Shown> {
  try {
    return { ...result, page: `${result.page}\n\nreport: ${await write()}` };
  } catch (error) {
    const page = `${result.page}\n\nno report: ${(error as Error).message}`;
    return { page, asExpected: false };
  }
}

function overSayer(total: number): (row: TrialRow, outcome: Outcome) => void {
  let done = 0;
  return (row, outcome) => {
    done += 1;
    say(`${done} of ${total}: ${pairName(row)} ${row.driver}: ${inWords(outcome)}`);
  };
}

function inWords(outcome: Outcome): string {
  if ('notRun' in outcome) return `not run: ${outcome.notRun}`;
  const { record, isKept } = outcome;
  const lost = `${lostOf(record)} of ${record.writes.length} writes lost`;
  const problems = record.problems.map((problem) => `; NOT as expected: ${problem}`).join('');
  return `${lost}, ${isKept ? 'of an earlier run' : `${record.wallSeconds.toFixed(0)} s`}${problems}`;
}
