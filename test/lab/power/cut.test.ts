import { describe, expect, it } from 'vitest';
import { nextWay } from '../../../lab/power/cut.ts';
import type { WayName } from '../../../lab/power/ways.ts';

describe('the command after a cut', () => {
  const named = (way: WayName, next: 'apply' | 'rollback', number: number): string =>
    nextWay({ way, next, number }).name;

  it('is that of who was cut off, and each third time that of the other', () => {
    expect(named('apply', 'rollback', 1)).toBe('rollback');
    expect(named('apply', 'rollback', 3)).toBe('bundle-rollback');
    expect(named('bundle-apply', 'apply', 20)).toBe('bundle-apply');
    expect(named('bundle-rollback', 'apply', 30)).toBe('apply');
  });

  it('is mptfix’s own where the module lies beside the package’s: the bundle does not undo that', () => {
    expect(named('apply-updates', 'rollback', 9)).toBe('rollback');
    expect(named('apply-updates', 'apply', 9)).toBe('apply-updates');
  });
});
