import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';
import { say } from '../../src/ui/output.ts';
import { KERNEL_NEEDS } from '../kernels/needs.ts';
import { MACHINE_NEEDS } from '../machine/virtual-machine.ts';
import type { Lab, OptionValues, Part, Shown } from '../part.ts';
import type { TrialRow } from '../trial/record.ts';

import { openBench } from './bench.ts';
import { lostOf } from './contrast.ts';
import { keepMachine, thisMachine } from './machine.ts';
import { openPlaces } from './places.ts';
import { reportFrom } from './report/part.ts';
import { shown } from './result.ts';
import { pairName } from './rows.ts';
import { type Outcome, runTrials } from './run.ts';
import { MATRIX_OPTIONS, matrixSettings } from './settings.ts';

/** Both drivers on several kernels and file systems, and several ways in which a storage fails over. */
export const matrixPart: Part = {
  title: 'matrix: path failures on several kernels and file systems, with both drivers',
  needs: [...MACHINE_NEEDS, ...KERNEL_NEEDS],
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
    const { jobs } = settings;
    const outcomes = await runTrials(
      settings.pairs,
      { ...bench, over: sayOutcome },
      { jobs, signal: lab.signal },
    );
    const result = shown(outcomes);
    if (settings.swap) return result;
    const folder = settings.isFull ? join(packageRoot(), 'docs') : places.report;
    const report = await reportFrom(machine, records, folder).catch((error: Error) => error.message);
    return { ...result, page: `${result.page}\n\nreport: ${report}` };
  } finally {
    await places.close();
  }
}

function sayOutcome(row: TrialRow, outcome: Outcome): void {
  const name = `${pairName(row)} ${row.driver}`;
  if ('notRun' in outcome) {
    say(`${name}: not run: ${outcome.notRun}`);
    return;
  }
  const { record, isKept } = outcome;
  const lost = `${lostOf(record)} of ${record.writes.length} writes lost`;
  const problems = record.problems.map((problem) => `; NOT as expected: ${problem}`).join('');
  say(`${name}: ${lost}, ${isKept ? 'of an earlier run' : `${record.wallSeconds.toFixed(0)} s`}${problems}`);
}
