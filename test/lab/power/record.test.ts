import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seeded } from '../../../lab/power/random.ts';
import { type CutRecord, keep, kept } from '../../../lab/power/record.ts';
import { type Cut, drawCuts } from '../../../lab/power/ways.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-records-'));
});
afterEach(() => rm(folder, { recursive: true }));

function cutOf(seed: number): Cut {
  const [cut] = drawCuts(seeded(seed));
  if (cut === undefined) throw new Error('no cut was drawn');
  return cut;
}

const record = (cut: Cut): CutRecord => ({
  format: 2,
  shipped: 'as shipped',
  runSeed: 17,
  cut,
  lastLine: 'begin',
  answered: false,
  reached: true,
  disk: { writes: 1, flushes: 1, unsafe: 0, lost: 0 },
  boots: true,
  bootSeconds: 1,
  found: null,
  next: null,
  afterwards: null,
  fsck: null,
  problems: [],
  wallSeconds: 1,
  date: '2026-11-28T00:00:00.000Z',
});

describe('a record of a cut', () => {
  it('is found again, for the same cut of the same seed', async () => {
    const cut = cutOf(17);
    expect(await kept(folder, 17, cut)).toBeUndefined();
    await keep(folder, record(cut));
    expect(await kept(folder, 17, cut)).toEqual(record(cut));
  });

  it('does not serve another cut of the same number', async () => {
    const cut = cutOf(17);
    await keep(folder, record(cut));
    expect(await kept(folder, 18, cut)).toBeUndefined();
    expect(await kept(folder, 17, { ...cut, later: cut.later + 1 })).toBeUndefined();
  });

  it('does not serve where it is half written', async () => {
    const cut = cutOf(17);
    await keep(folder, record(cut));
    await writeFile(join(folder, 'cut-01.json'), '{"format": 2, "runS');
    expect(await kept(folder, 17, cut)).toBeUndefined();
  });
});
