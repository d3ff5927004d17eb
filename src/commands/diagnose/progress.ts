import type { LogPart } from '../../diagnose/sources.ts';
import { size } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';

/** Between two lines, and before the first: most logs are read before. */
const EVERY_MS = 5000;

/** Tells how far the reading of long logs is. @param now milliseconds; @param say called with a line at most every 5 s */
export function readingProgress(say: (line: string) => void, now: () => number) {
  let told = now();
  let current: LogPart | undefined;
  let read = 0;
  return (part: LogPart, bytes: number): void => {
    if (part !== current) {
      current = part;
      read = 0;
    }
    read += bytes;
    if (now() - told < EVERY_MS) return;
    told = now();
    // Of a packed file the bytes on disk are others than those read.
    const of = part.bytes !== undefined && part.bytes >= read ? ` of ${size(part.bytes)}` : '';
    say(`reading ${printable(part.name)}: ${size(read)}${of}`);
  };
}
