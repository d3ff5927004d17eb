import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { TrialRecord, TrialRow } from '../../lab/trial/record.ts';
import { runTrial } from '../../lab/trial/trial.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { json, mptfix } from '../helpers/cli.ts';

/*
 * What all this is about, on the smallest scale: the distro's own kernel in two virtual machines side by side, and a disk
 * behind the adapter that answers BUSY for ten seconds. Only the driver differs. The lab has many more (docs/lab.md).
 */
const { guest, source, release, packageVersion } = inject('fixture');

let folder: string;
let trials: Readonly<Record<TrialRow['driver'], TrialRecord>>;
beforeAll(async () => {
  folder = await mkdtemp('/var/tmp/mptfix-trial-');
  const built = await mptfix([
    ...['build', '--root', guest, '--source', source, '--json'],
    ...['--output', join(folder, 'output')],
  ]);
  expect(built.status, built.stderr).toBe(0);
  const machine = localTarget({ dryRun: false });
  const trial = (driver: TrialRow['driver'], file?: string): Promise<TrialRecord> =>
    runTrial(
      { machine, folder: join(folder, driver), signal: new AbortController().signal },
      {
        row: { kernel: release, fileSystem: 'ext4', driver, failure: 'busy', seconds: 10 },
        guest,
        release,
        packageVersion,
        driver: file,
      },
    );
  const [affected, patched] = await Promise.all([
    trial('affected'),
    trial('patched', json(built).module.file),
  ]);
  trials = { affected, patched };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const lost = ({ writes }: TrialRecord): number => writes.filter(({ ok }) => !ok).length;

test('the affected driver loses writes, and diagnose finds the bug in the guest’s log', () => {
  const { affected } = trials;
  expect(affected.problems).toEqual([]);
  expect(lost(affected)).toBeGreaterThan(0);
  expect(affected.ioErrors).toBeGreaterThan(0);
  expect(affected.diagnose).toBe('this-bug');
});

test('the driver that mptfix patched loses none through the same failure', () => {
  const { patched } = trials;
  expect(patched.problems).toEqual([]);
  expect([lost(patched), patched.ioErrors, patched.readOnly]).toEqual([0, 0, false]);
  expect([patched.diagnose, patched.watch]).toEqual(['none', { before: 0, after: 0 }]);
  // The storage was as BUSY as for the other.
  expect(patched.answers).toBeGreaterThan(10);
});

test('only the driver differs', () => {
  const { affected, patched } = trials;
  expect([affected.kernel, patched.kernel]).toEqual([release, release]);
  expect(affected.srcversion).not.toBe(patched.srcversion);
});

test('what was written is on the disk after the power went off, and the file system is clean', () => {
  for (const { readBack, fsck } of Object.values(trials))
    expect([readBack, fsck]).toEqual(['same', { program: 'e2fsck', status: 0, clean: true }]);
});
