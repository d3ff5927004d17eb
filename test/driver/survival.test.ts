import { describe, expect, it } from 'vitest';
import { survivalWindow } from '../../src/driver/survival.ts';

describe('survivalWindow', () => {
  it.each([
    // RHEL 4 and 2.6.0 to 2.6.13 ask for ever.
    ['2.6.0', 30, 'unbounded'],
    ['2.6.5', 30, 'unbounded'],
    ['2.6.9', 30, 'unbounded'],
    ['2.6.13', 180, 'unbounded'],
    ['2.6.14', 30, 150],
    ['2.6.15', 30, 150],
    ['2.6.15', 180, 900],
    ['2.6.16', 30, 180],
    ['2.6.18', 30, 180],
    ['2.6.18', 180, 1080],
    ['6.1.192', 30, 180],
    ['6.12.0-rc.6', 60, 360],
    // Between two rules, older than all, or no version.
    ['2.6.14-rc.3', 30, undefined],
    ['2.6.16-rc.1', 30, undefined],
    ['2.4.21', 30, undefined],
    ['2.6', 30, undefined],
    ['hostile', 30, undefined],
    // No timeout.
    ['6.1.192', 0, undefined],
    ['6.1.192', -30, undefined],
    ['6.1.192', Number.NaN, undefined],
    ['6.1.192', Number.POSITIVE_INFINITY, undefined],
  ])('kernel %s with a timeout of %d s: %s after the fix', (base, timeoutSeconds, seconds) => {
    expect(survivalWindow({ base, timeoutSeconds, verdict: 'affected' })).toMatchObject({
      now: 0,
      afterFix: seconds,
    });
    expect(survivalWindow({ base, timeoutSeconds, verdict: 'fixed' })).toMatchObject({
      now: seconds,
      afterFix: seconds,
    });
  });

  it.each([
    ['affected', 0],
    ['fixed', 180],
    ['never', 180],
    ['absent', undefined],
    ['unknown', undefined],
  ] as const)('a driver that is %s gives %s today', (verdict, now) => {
    expect(survivalWindow({ base: '2.6.18', timeoutSeconds: 30, verdict }).now).toBe(now);
  });

  it('names the rule', () => {
    expect(survivalWindow({ base: '2.6.18', timeoutSeconds: 30, verdict: 'affected' }).rule).toBe(
      'kernels from 2.6.16 on (RHEL 5 too) retry for 5 + 1 times the timeout',
    );
  });
});
