import { describe, expect, it } from 'vitest';
import { CUT_KINDS } from '../../../lab/power/disk.ts';
import { seeded } from '../../../lab/power/random.ts';
import { drawCuts, isAfterMiddle, WAYS, wayOf } from '../../../lab/power/ways.ts';

describe('the moments of a run', () => {
  const cuts = drawCuts(seeded(17));

  it('are 20 of apply and 10 of rollback, with a number each', () => {
    const counts = (command: string): number =>
      cuts.filter(({ way }) => wayOf(way).command === command).length;
    expect([counts('apply'), counts('rollback')]).toEqual([20, 10]);
    expect(cuts.map(({ number }) => number)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  });

  it('are the same for the same seed, and others for another', () => {
    expect(drawCuts(seeded(17))).toEqual(cuts);
    expect(drawCuts(seeded(18))).not.toEqual(cuts);
  });

  it('fall on every stretch of a way before they fall on one again', () => {
    for (const seed of [1, 2, 3, 17, 99]) {
      for (const { name, stretches } of WAYS) {
        const of = drawCuts(seeded(seed)).filter(({ way }) => way === name);
        const found = new Set(of.map(({ after, unit }) => `${after} ${unit}`));
        expect(found.size, `${name}, seed ${seed}`).toBe(Math.min(of.length, stretches.length));
      }
    }
  });

  it('fall within their stretch, some on the line itself and some later', () => {
    const all = Array.from({ length: 20 }, (_, seed) => drawCuts(seeded(seed))).flat();
    for (const { way, after, unit, later } of all) {
      const stretch = wayOf(way).stretches.find((one) => one.after === after && one.unit === unit);
      expect(stretch).toBeDefined();
      expect(later).toBeGreaterThanOrEqual(0);
      expect(later).toBeLessThanOrEqual(stretch?.upTo ?? 0);
    }
    expect(all.some(({ later }) => later === 0) && all.some(({ later }) => later > 0)).toBe(true);
  });

  it('have every kind of cut, and both next commands, with each kind', () => {
    const all = Array.from({ length: 4 }, (_, seed) => drawCuts(seeded(seed))).flat();
    for (const kind of CUT_KINDS)
      for (const next of ['apply', 'rollback'])
        expect(
          all.some((cut) => cut.kind === kind && cut.next === next),
          `${kind}, ${next}`,
        ).toBe(true);
  });

  it('go on from a saved machine only where it was saved before them', () => {
    expect(isAfterMiddle({ way: 'apply', after: 'intent image' })).toBe(true);
    expect(isAfterMiddle({ way: 'apply', after: 'intent image-build' })).toBe(false);
    expect(isAfterMiddle({ way: 'rollback', after: 'answered' })).toBe(false);
  });
});
