import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keepMachine, keptMachine, thisMachine } from '../../../lab/matrix/machine.ts';
import { matrixPairs, pairName, quickPairs } from '../../../lab/matrix/rows.ts';
import { matrixSettings } from '../../../lab/matrix/settings.ts';
import { localTarget } from '../../../src/machine/tree.ts';
import { temporary } from '../../machine/temporary.ts';

describe('the options of the matrix', () => {
  it('pick all trials, the quick ones, or those of a pattern; only all of them are the project’s results', () => {
    expect(matrixSettings({})).toMatchObject({ pairs: matrixPairs(), isFull: true, again: false });
    expect(matrixSettings({ quick: true })).toMatchObject({ pairs: quickPairs(), isFull: false });
    const picked = matrixSettings({ only: ['kernel=6.1-amd64,fs=ext4,failure=busy:15'], again: true });
    expect(picked).toMatchObject({ isFull: false, again: true });
    expect(picked.pairs.map(pairName)).toEqual(['6.1-amd64 ext4 busy:15']);
    expect(matrixSettings({ swap: true })).toMatchObject({ swap: true, isFull: false });
  });

  it('run as many guests as they say, and at least one', () => {
    expect(matrixSettings({ jobs: '7' }).jobs).toBe(7);
    expect(matrixSettings({}).jobs).toBeGreaterThanOrEqual(1);
  });

  it.each([[{ quick: true, only: ['fs=xfs'] }], [{ jobs: '0' }], [{ jobs: '-1' }], [{ jobs: '2x' }]])(
    'are refused where they contradict each other or are no number: %j',
    (options) => {
      expect(() => matrixSettings(options)).toThrow(
        expect.objectContaining({ failure: expect.objectContaining({ code: 'E_USAGE' }) }),
      );
    },
  );
});

describe('the machine that ran the trials', () => {
  it('is kept beside their records', async () => {
    const [folder, machine] = [await temporary(), localTarget({ dryRun: false })];
    const about = await thisMachine(machine, 3);
    expect(about).toMatchObject({ jobs: 3, system: expect.stringMatching(/\w/) });
    await keepMachine(machine, folder, about);
    expect(await keptMachine(folder)).toEqual(about);
  });

  it('is unknown where that was not kept whole', async () => {
    const folder = await temporary();
    expect(await keptMachine(folder)).toBeUndefined();
    writeFileSync(join(folder, 'machine.json'), '{"format":1,');
    expect(await keptMachine(folder)).toBeUndefined();
  });
});
