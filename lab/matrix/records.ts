import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { failure } from '../../src/errors.ts';
import { makeFolders } from '../../src/machine/folders.ts';
import type { Target } from '../../src/machine/port.ts';
import { shQuote } from '../../src/sh-quote.ts';
import { readRecord, type TrialRecord, type TrialRow } from '../trial/record.ts';

/** Where a trial's record is: a folder for each kernel, so that a person can remove all of one. */
export function recordPath(
  folder: string,
  { kernel, fileSystem, failure, seconds, driver }: TrialRow,
): string {
  return join(folder, kernel, `${fileSystem}.${failure}-${seconds}.${driver}.json`);
}

/** Undefined where there is none. Throws E_FILE where the file is no whole record, or one of another trial. */
export async function keptRecord(folder: string, row: TrialRow): Promise<TrialRecord | undefined> {
  const path = recordPath(folder, row);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : ownRecord(folder, path, text);
}

/** It is on the disk when this returns, and never half of it: what is interrupted is run again. */
export async function keepRecord(machine: Target, folder: string, record: TrialRecord): Promise<void> {
  const path = recordPath(folder, record.row);
  await makeFolders(machine, dirname(path));
  await machine.write(path, `${JSON.stringify(record)}\n`);
}

/** Every record below the folder. Throws E_FILE as `keptRecord` throws, and where there is not a single one. */
export async function allRecords(folder: string): Promise<readonly TrialRecord[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    },
  );
  const paths = entries
    .filter((entry) => entry.isFile() && entry.parentPath !== folder && entry.name.endsWith('.json'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (paths.length === 0)
    throw failure('E_FILE', `${folder} has no records of trials`, 'npm run lab -- matrix --quick');
  return Promise.all(paths.map(async (path) => ownRecord(folder, path, await readFile(path, 'utf8'))));
}

function ownRecord(folder: string, path: string, text: string): TrialRecord {
  const record = parsed(path, text);
  if (recordPath(folder, record.row) === path) return record;
  throw unusable(`${path} is the record of another trial`, path);
}

function parsed(path: string, text: string): TrialRecord {
  try {
    return readRecord(text, path);
  } catch (error) {
    throw unusable((error as Error).message.replace(/; remove it.*$/s, ''), path);
  }
}

function unusable(what: string, path: string): Error {
  return failure('E_FILE', what, `rm ${shQuote(path)}, then run its trial again: npm run lab -- matrix`);
}
