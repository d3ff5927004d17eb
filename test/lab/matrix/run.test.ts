import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { shown } from '../../../lab/matrix/result.ts';
import { matrixPairs, pairName, quickPairs } from '../../../lab/matrix/rows.ts';
import { type Bench, runTrials } from '../../../lab/matrix/run.ts';
import type { TrialRow } from '../../../lab/trial/record.ts';
import { fakeRecord } from './fake-record.ts';

const bench = (more: Partial<Bench> = {}): Bench => ({
  kept: () => Promise.resolve(undefined),
  run: (row) => Promise.resolve(fakeRecord(row)),
  over: () => {},
  ...more,
});
const { signal } = new AbortController();
const swapped = (row: TrialRow) =>
  fakeRecord({ ...row, driver: row.driver === 'affected' ? 'patched' : 'affected' }, { row });

describe('a run of the matrix', () => {
  it('is as expected where each pair shows its contrast', async () => {
    const result = shown(await runTrials(quickPairs(), bench(), { jobs: 3, signal }));
    expect(result.asExpected).toBe(true);
    expect(result.page).toContain('| BUSY, 15 s | contrast (ext4, ext3, xfs) |');
  });

  it('is not where the drivers have been swapped, whatever the trials themselves say', async () => {
    const result = shown(
      await runTrials(quickPairs(), bench({ run: async (row) => swapped(row) }), { jobs: 1, signal }),
    );
    expect(result.asExpected).toBe(false);
    expect(result.page).toContain(
      '6.1-amd64, ext4, BUSY, 15 s: no contrast: the affected driver lost no write',
    );
    expect(result.page).toContain('no contrast: the patched driver lost 3 writes');
  });

  it('is not where both trials had the same driver', async () => {
    const run = async (row: TrialRow) => fakeRecord(row, { srcversion: 'AAAA' });
    const result = shown(await runTrials(quickPairs(), bench({ run }), { jobs: 1, signal }));
    expect(result.page).toContain('both trials loaded the same module');
    expect(result.asExpected).toBe(false);
  });

  it('goes on past a kernel that cannot be had, says why, and is not as expected', async () => {
    const pairs = matrixPairs().filter(({ fileSystem, seconds }) => fileSystem === 'ext4' && seconds === 60);
    const run = async (row: TrialRow) => {
      if (row.kernel === '5.10-amd64')
        throw new Error('cannot make a guest of Debian bullseye: E: no such host');
      return fakeRecord(row);
    };
    const result = shown(await runTrials(pairs, bench({ run }), { jobs: 2, signal }));
    expect(result).toMatchObject({ asExpected: false });
    expect(result.page).toContain('- not run: cannot make a guest of Debian bullseye: E: no such host');
    expect(result.page).toContain('| BUSY, 60 s | contrast (ext4) | not run (ext4) | contrast (ext4) |');
    expect(result.page).toContain('6 of 8 trials');
  });

  it('does not run what is kept, and never more side by side than it may', async () => {
    const [running, most]: [Set<string>, number[]] = [new Set(), []];
    const ran: string[] = [];
    const outcomes = await runTrials(
      quickPairs(),
      bench({
        kept: async (row) => (row.fileSystem === 'ext4' ? fakeRecord(row) : undefined),
        run: async (row) => {
          const name = `${pairName(row)} ${row.driver}`;
          ran.push(name);
          running.add(name);
          most.push(running.size);
          await wait(5);
          running.delete(name);
          return fakeRecord(row);
        },
      }),
      { jobs: 2, signal },
    );
    expect(ran).toEqual(
      ['ext3', 'xfs'].flatMap((type) =>
        ['affected', 'patched'].map((driver) => `6.1-amd64 ${type} busy:15 ${driver}`),
      ),
    );
    expect(Math.max(...most)).toBe(2);
    expect(shown(outcomes).page).toContain('10 of 10 trials, 6 of them by an earlier run');
  });

  it('ends at the signal, once every trial that it began has ended', async () => {
    const controller = new AbortController();
    let open = 0;
    const run = async (row: TrialRow) => {
      open += 1;
      controller.abort(new Error('by hand'));
      await wait(20);
      open -= 1;
      return fakeRecord(row);
    };
    await expect(
      runTrials(quickPairs(), bench({ run }), { jobs: 2, signal: controller.signal }),
    ).rejects.toThrow('by hand');
    expect(open).toBe(0);
  });
});
