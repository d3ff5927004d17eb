import { join } from 'node:path';
import type { Target } from '../../../src/machine/port.ts';
import { packageRoot } from '../../../src/package-root.ts';
import type { Lab, OptionValues, Part, Shown } from '../../part.ts';
import { keptMachine } from '../machine.ts';
import { placesBelow } from '../places.ts';
import { allRecords } from '../records.ts';
import { matrixPairs, type Pair } from '../rows.ts';
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
  const path = await reportFrom(lab.workspace.machine, from, DOCS);
  const panels = panelsOf(await allRecords(from), DOCS.wanted);
  const problems = problemLines(panels);
  const missing = panels.flatMap(({ affected, patched }) =>
    [affected, patched].filter((record) => record === undefined),
  );
  const page = [
    `written: ${path}`,
    ...problems,
    ...(missing.length === 0 ? [] : [`${missing.length} trials of the matrix have not been run`]),
  ].join('\n');
  return { page, asExpected: problems.length + missing.length === 0 };
}

/** A folder for a report, and the pairs that it has to have. */
export interface Place {
  readonly folder: string;
  readonly wanted: readonly Pair[];
}

/** The project's own results are those of the full matrix. */
export const DOCS: Place = { folder: join(packageRoot(), 'docs'), wanted: matrixPairs() };

/** Writes a folder's report from all records; returns the page's path. Throws where there are none. */
export async function reportFrom(
  machine: Target,
  records: string,
  { folder, wanted }: Place,
): Promise<string> {
  const report = makeReport(await allRecords(records), await keptMachine(records), wanted);
  return writeReport(machine, folder, report);
}
