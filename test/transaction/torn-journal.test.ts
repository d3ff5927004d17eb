import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rootTarget } from '../../src/machine/tree.ts';
import { journal } from '../../src/transaction/store.ts';

test('half a line that a power cut has left does not swallow the next event', async () => {
  const root = mkdtempSync(join(tmpdir(), 'mptfix-torn-'));
  try {
    const folder = join(root, 'var/lib/mptfix/generations/1');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'journal.ndjson');
    writeFileSync(file, '{"event":"committed"}\n{"time":"2026","ev');
    await journal(rootTarget(root, { dryRun: false }), '/var/lib/mptfix/generations/1', 'rolling-back');
    const last = readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '';
    expect(JSON.parse(last).event).toBe('rolling-back');
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
