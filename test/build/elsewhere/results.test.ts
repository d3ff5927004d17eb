import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readResults } from '../../../src/build/elsewhere/results.ts';
import { openWorkspace } from '../../../src/work/workspace.ts';

const JOB: Parameters<typeof readResults>[1] = {
  id: 'a'.repeat(64),
  order: {
    command: ['make'],
    folder: { from: '/none', to: '/build/module' },
    seenAt: '/build/module',
    readOnly: [],
    maxBytes: 1,
  },
  compiler: ['gcc'],
  module: 'mptscsih',
  builds: new Map([['unchanged', new Map()]]),
};

async function read(files: Readonly<Record<string, string>>) {
  const base = mkdtempSync(join(tmpdir(), 'mptfix-results-'));
  chmodSync(base, 0o755);
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const results = mkdtempSync(join(base, 'results-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(results, name), text);
  const workspace = await openWorkspace(base);
  onTestFinished(() => workspace.dispose());
  return readResults(workspace, JOB, results);
}

test.each([
  ['without their end', {}, 'E_RESULTS', 'does not hold all'],
  ['of another job', { id: `${'b'.repeat(64)}\n` }, 'E_RESULTS', 'compiled from other files'],
  [
    'of a make that failed',
    { id: `${JOB.id}\n`, 'unchanged.status': '2\n', 'unchanged.log': 'a.c:1:1: error: broken\n' },
    'E_BUILD',
    'a.c:1:1: error: broken',
  ],
  [
    'whose module is missing',
    { id: `${JOB.id}\n`, 'unchanged.status': '0\n', 'unchanged.log': 'fine\n' },
    'E_BUILD',
    'mptscsih.ko could not be built',
  ],
])('results %s are refused', async (_, files, code, says) => {
  await expect(read(files)).rejects.toMatchObject({ failure: { code, what: expect.stringContaining(says) } });
});
