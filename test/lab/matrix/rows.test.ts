import { describe, expect, it } from 'vitest';
import { KERNELS } from '../../../lab/kernels/table.ts';
import { pickPairs } from '../../../lab/matrix/only.ts';
import { allPairs, matrixPairs, pairName, quickPairs, trialsOf } from '../../../lab/matrix/rows.ts';
import { expected } from '../../../lab/trial/expected.ts';

const names = (patterns: readonly string[]): readonly string[] => pickPairs(patterns).map(pairName);

describe('the rows of the matrix', () => {
  it('are every kernel, file system and length of BUSY with both drivers, and each other failure once', () => {
    const pairs = matrixPairs();
    const busy = pairs.filter(({ failure }) => failure === 'busy');
    expect(busy).toHaveLength(KERNELS.length * 3 * 4);
    expect(new Set(busy.map(({ kernel }) => kernel))).toEqual(new Set(KERNELS.map(({ name }) => name)));
    expect(pairs.filter(({ failure }) => failure !== 'busy').map(pairName)).toEqual([
      '6.1-amd64 ext4 task-set-full:15',
      '6.1-amd64 ext4 becoming-ready:15',
      '6.1-amd64 ext4 not-ready:15',
      '6.1-amd64 ext4 aborted-command:15',
      '6.1-amd64 ext4 slow:5',
      '6.1-amd64 ext4 lost-connection:15',
    ]);
    expect(new Set(pairs.map(pairName)).size).toBe(pairs.length);
  });

  it('have an expectation each', () => {
    for (const row of allPairs().flatMap(trialsOf)) expect(expected(row).why).not.toBe('');
  });

  it('of --quick are at least eight trials on one kernel, each pair with a contrast', () => {
    const trials = quickPairs().flatMap(trialsOf);
    expect(trials.length).toBeGreaterThanOrEqual(8);
    expect(new Set(trials.map(({ kernel }) => kernel))).toEqual(new Set(['6.1-amd64']));
    expect(trials.filter((row) => expected(row).loses !== (row.driver === 'affected'))).toEqual([]);
    expect(new Set(trials.map(({ fileSystem }) => fileSystem)).size).toBe(3);
  });
});

describe('--only', () => {
  it.each([
    [['kernel=6.1-amd64,fs=ext4,failure=busy:15'], ['6.1-amd64 ext4 busy:15']],
    [['kernel=6.12-amd64,failure=slow,fs=xfs'], ['6.12-amd64 xfs slow:5']],
    [
      ['kernel=6.12*,fs=xfs,fs=ext3,failure=busy:15', 'kernel=5.10-amd64,fs=ext4,failure=busy:200'],
      ['6.12-amd64 ext3 busy:15', '6.12-amd64 xfs busy:15', '5.10-amd64 ext4 busy:200'],
    ],
    [['kernel=6.1-686-pae,fs=ext4'], [15, 60, 5, 200].map((seconds) => `6.1-686-pae ext4 busy:${seconds}`)],
  ])('%j', (patterns, picked) => {
    expect(names(patterns)).toEqual(picked);
  });

  it('takes a dot as a dot', () => {
    expect(() => pickPairs(['kernel=6.1.amd64'])).toThrow('picks nothing');
  });

  it.each(['', 'ext4', 'fs=', 'fs=btrfs', 'driver=patched', 'fs=ext4,', 'constructor=x', 'fs=ext(4'])(
    'refuses %j',
    (pattern) => {
      expect(() => pickPairs([pattern])).toThrow(
        expect.objectContaining({ failure: expect.objectContaining({ code: 'E_USAGE' }) }),
      );
    },
  );
});
