import { readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { isFailure } from '../../src/errors.ts';

/*
 * The process that bounded.ts starts: makes a hostile input, lets the parser at it, and tells how it ended, how much
 * memory it took on top of the input's, and how many steps it went.
 */

const [, , cases = '', name = '', size = '', counted = ''] = process.argv;

function peak(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
}

const { HOSTILE } = await import(cases);
const run = await HOSTILE[name](Number(size));
const session = new Session();
session.connect();
if (counted === 'counted') {
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
}
globalThis.gc?.();
// Sets the peak back to what is in use now (proc_pid_clear_refs(5)).
writeFileSync('/proc/self/clear_refs', '5');
const before = peak();
process.send?.({ ready: true });
let outcome: string;
try {
  outcome = String(await run());
} catch (error) {
  outcome = isFailure(error) ? `${error.failure.code}: ${error.message}` : `crash: ${error}`;
}
const memory = peak() - before;
let steps = 0;
if (counted === 'counted') {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  for (const { url, functions } of result) {
    if (!url.includes('/src/')) continue;
    for (const { ranges } of functions) for (const { count } of ranges) steps += count;
  }
}
process.send?.({ outcome: outcome.slice(0, 400), memory, steps }, () => process.exit());
