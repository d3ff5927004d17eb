import type { CutRecord, Found } from './record.ts';
import { wayOf } from './ways.ts';

/** What a record must show; what is not as it must be, in words. */
export function problemsOf(record: Omit<CutRecord, 'problems'>): readonly string[] {
  const { cut, found, afterwards, next, fsck, answered } = record;
  const { command, start } = wayOf(cut.way);
  if (!record.reached) return [`the cut did not come: “${cut.after}” was not seen`];
  if (!record.boots) return ['the guest does not boot'];
  if (found === null || next === null || afterwards === null) return ['the guest was not asked'];
  const before = start;
  const after = command === 'apply' ? 'patched' : 'original';
  return [
    ...inconsistencies(found).map((problem) => `after the boot: ${problem}`),
    ...unless(
      found.state === 'interrupted' || found.state === before || found.state === after,
      `after the boot: status says ${found.state}`,
    ),
    // What a command has said is done must be so on any disk that keeps what is flushed.
    ...unless(!answered || found.state === after, `${command} had answered, and status says ${found.state}`),
    ...unless(next.status === 0, `${cut.next} ended with ${next.status}: ${next.said}`),
    ...inconsistencies(afterwards).map((problem) => `after ${cut.next}: ${problem}`),
    ...unless(
      afterwards.state === expectedAfter(cut.next),
      `after ${cut.next}: status says ${afterwards.state}`,
    ),
    ...unless(
      cut.next === 'apply' || afterwards.places === record.shipped,
      'after rollback: /boot or the modules are not, byte for byte, what they were',
    ),
    ...unless(fsck === 0, `fsck ended with ${fsck}`),
  ];
}

function expectedAfter(next: 'apply' | 'rollback'): 'patched' | 'original' {
  return next === 'apply' ? 'patched' : 'original';
}

/** What no status may show, whenever the power was cut. */
function inconsistencies({ state, images, loaded, module, interrupted }: Found): readonly string[] {
  const isSettled = state === 'original' || state === 'patched';
  return [
    ...unless(loaded === 'original' || loaded === 'patched', `the loaded driver is ${loaded}`),
    ...unless(module === 'original' || module === 'patched', `the module on the disk is ${module}`),
    ...unless(images.length === 1, `${images.length} initramfs images`),
    ...unless(
      images.every((holds) => holds === 'same' || (!isSettled && holds === 'other')),
      `status is ${state}, and the initramfs holds: ${images.join(', ')}`,
    ),
    ...unless(!isSettled || module === state, `status is ${state}, and the module on the disk is ${module}`),
    ...unless(isSettled === (interrupted === 0), `status is ${state}, with ${interrupted} interrupted runs`),
  ];
}

function unless(holds: boolean, problem: string): readonly string[] {
  return holds ? [] : [problem];
}
