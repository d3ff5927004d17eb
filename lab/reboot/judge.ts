import type { Boot } from './trip.ts';
import { FAILURE } from './trip.ts';

/** What a trip's boots must show; what is not so, in words. The driver is told by its build-id in the kernel. */
export function problemsOf(boots: readonly Boot[]): readonly string[] {
  const [first, second, third] = boots;
  if (first === undefined || second === undefined || third === undefined || boots.length !== 3)
    return [`there were ${boots.length} boots: three were expected`];
  return [
    ...unlessIs('as shipped', first, 'original'),
    ...unlessDone('apply', first),
    ...unlessIs('after apply and a reboot', second, 'patched'),
    ...unless(
      second.writes?.lost === 0 && second.writes.done === FAILURE.writes,
      `with the patched driver ${second.writes?.lost} writes were lost, and ${second.writes?.done} done`,
    ),
    ...unless((second.writes?.busyAnswers ?? 0) > 0, 'the patched guest’s disk never answered BUSY'),
    ...unlessDone('rollback', second),
    ...unlessIs('after rollback and a reboot', third, 'original'),
    ...unless(
      third.found.places === first.found.places,
      'after rollback: /boot or the modules are not, byte for byte, what they were',
    ),
    ...unless((third.writes?.lost ?? 0) > 0, 'with the original driver no write was lost'),
    ...unless((third.writes?.busyAnswers ?? 0) > 0, 'the original guest’s disk never answered BUSY'),
  ];
}

function unlessIs(when: string, { found }: Boot, expected: 'original' | 'patched'): readonly string[] {
  const { state, module, loaded, images, interrupted } = found;
  return [
    ...unless(state === expected, `${when}: status says ${state}`),
    ...unless(module === expected, `${when}: the module on the disk is ${module}`),
    ...unless(loaded === expected, `${when}: the loaded driver is ${loaded}`),
    ...unless(
      images.length === 1 && images[0] === 'same',
      `${when}: the initramfs holds ${images.join(', ')}`,
    ),
    ...unless(interrupted === 0, `${when}: ${interrupted} interrupted runs`),
  ];
}

function unlessDone(name: string, { command }: Boot): readonly string[] {
  return unless(command?.status === 0, `${name} ended with ${command?.status}: ${command?.said}`);
}

function unless(holds: boolean, problem: string): readonly string[] {
  return holds ? [] : [problem];
}
