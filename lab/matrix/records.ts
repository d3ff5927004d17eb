import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolders } from '../../src/machine/folders.ts';
import type { Target } from '../../src/machine/port.ts';
import { readRecord, type TrialRecord, type TrialRow } from '../trial/record.ts';

/** Where a trial's record is: a folder for each kernel, so that a person can remove all of one. */
export function recordPath(
  folder: string,
  { kernel, fileSystem, failure, seconds, driver }: TrialRow,
): string {
  return join(folder, kernel, `${fileSystem}.${failure}-${seconds}.${driver}.json`);
}

/** Undefined where there is none. Throws where the file is no whole record, or one of another trial. */
export async function keptRecord(folder: string, row: TrialRow): Promise<TrialRecord | undefined> {
  const path = recordPath(folder, row);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const record = readRecord(text, path);
  if (recordPath(folder, record.row) !== path)
    throw new Error(`${path} is the record of another trial; remove it to run its trial again`);
  return record;
}

/** It is on the disk when this returns, and never half of it: what is interrupted is run again. */
export async function keepRecord(machine: Target, folder: string, record: TrialRecord): Promise<void> {
  const path = recordPath(folder, record.row);
  await makeFolders(machine, dirname(path));
  await machine.write(path, `${JSON.stringify(record)}\n`);
}

/** Every record below the folder. Throws as `keptRecord`, and where there is not a single one. */
export async function allRecords(folder: string): Promise<readonly TrialRecord[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.parentPath !== folder && entry.name.endsWith('.json'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (paths.length === 0) throw new Error(`${folder} has no records`);
  return Promise.all(
    paths.map(async (path) => {
      const record = readRecord(await readFile(path, 'utf8'), path);
      if (recordPath(folder, record.row) !== path)
        throw new Error(`${path} is the record of another trial; remove it to run its trial again`);
      return record;
    }),
  );
}
