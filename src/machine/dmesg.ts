import type { Target } from './port.ts';
import type { Argv } from './program.ts';

/** As much as a kernel's ring buffer holds: dmesg of the time reads its last 16 KB where no size is given. */
const WHOLE: Argv = ['dmesg', '-s', '1048576'];

/** How a guest of any age prints the whole ring buffer of its kernel. Runs it once to see. */
export async function dmesgOf(target: Pick<Target, 'run'>): Promise<Argv> {
  const { status } = await target.run(WHOLE, { effect: 'read', timeoutMs: 10_000 });
  return status === 0 ? WHOLE : ['dmesg'];
}
