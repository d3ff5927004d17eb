import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { TrialRow } from '../../../lab/trial/record.ts';
import { runTrial } from '../../../lab/trial/trial.ts';
import { localTarget } from '../../../src/machine/tree.ts';

/* A whole trial runs in test/e2e/lab-trial.test.ts. */

it('refuses a row of which nobody knows what it must show, before it starts anything', async () => {
  const folder = '/var/tmp/mptfix-no-trial';
  const row: TrialRow = {
    kernel: '6.1-amd64',
    fileSystem: 'ext4',
    driver: 'patched',
    failure: 'task-set-full',
    seconds: 500,
  };
  const bench = { machine: localTarget({ dryRun: true }), folder, signal: new AbortController().signal };
  const settings = { row, guest: '/nowhere', release: '6.1.0', packageVersion: '6.1' };
  await expect(runTrial(bench, settings)).rejects.toThrow('nothing is known of task-set-full for 500 s');
  expect(existsSync(folder)).toBe(false);
});
