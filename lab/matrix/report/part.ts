import { join } from 'node:path';
import type { Target } from '../../../src/machine/port.ts';
import { packageRoot } from '../../../src/package-root.ts';
import type { Lab, OptionValues, Part, Shown } from '../../part.ts';
import { keptMachine } from '../machine.ts';
import { placesBelow } from '../places.ts';
import { allRecords } from '../records.ts';
import { makeReport, panelsOf } from './report.ts';
import { problemLines } from './table.ts';
import { writeReport } from './write.ts';

/** Writes docs/lab.md and its pictures from the records that the matrix has kept. */
export const reportPart: Part = {
  title: 'report: docs/lab.md from the records of the matrix',
  needs: [],
  options: { records: { type: 'string' } },
  onlyByName: true,
  needsRoot: false,
  run,
};

async function run(lab: Lab, { records }: OptionValues): Promise<Shown> {
  const from = typeof records === 'string' ? records : placesBelow(lab.base).records;
  const path = await reportFrom(lab.workspace.machine, from, join(packageRoot(), 'docs'));
  const problems = problemLines(panelsOf(await allRecords(from)));
  return { page: [`written: ${path}`, ...problems].join('\n'), asExpected: problems.length === 0 };
}

/** Writes a folder's report from all records; returns the page's path. Throws where there are none. */
export async function reportFrom(machine: Target, records: string, folder: string): Promise<string> {
  const report = makeReport(await allRecords(records), await keptMachine(records));
  return writeReport(machine, folder, report);
}
