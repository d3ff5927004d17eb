import { join } from 'node:path';
import { expect } from 'vitest';
import { json, mptfix } from '../helpers/cli.ts';
import { sh, temporary } from '../machine/temporary.ts';

export const diagnosis = async (args: readonly string[]) => {
  const run = await mptfix(['diagnose', '--json', ...args]);
  const found = json(run);
  expect(run.status).toBe(found.verdict === 'cannot-tell' ? 3 : 0);
  return found;
};

export async function logFile(text: string, date = '2008-06-30'): Promise<string> {
  const folder = await temporary({ log: text });
  sh('touch -d "$2" "$1"', join(folder, 'log'), date);
  return join(folder, 'log');
}
