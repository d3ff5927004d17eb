import type { Target } from '../../src/machine/port.ts';
import { faultyTarget } from './faulty-target.ts';

/** From its effect `at` on nothing of the run reaches the guest any more, as when its process is killed. */
export async function stoppedAt(
  target: Target,
  at: number,
  run: (on: Target) => Promise<void>,
): Promise<void> {
  let isDead = false;
  const faulty = faultyTarget(target, { at: 'each', before: () => die() });
  const die = (): void => {
    isDead ||= faulty.effects.length >= at;
    if (isDead) throw new Error('killed');
  };
  await run(faulty.target).catch(() => undefined);
}
