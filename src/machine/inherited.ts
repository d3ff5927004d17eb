import { openSync, readdirSync, readFileSync } from 'node:fs';

/** O_CLOEXEC in the flags of /proc/PID/fdinfo, which are octal. Source: fcntl.h, proc(5). */
const CLOSES_ON_EXEC = 0o2000000;

let known: readonly 'ignore'[] | undefined;

/**
 * What a child gets in place of the descriptors beyond the third that this process was started with: /dev/null. Node closes
 * the first of them (uv_disable_stdio_inheritance()) and hands the others on; and a folder of this machine that is open is
 * a way out of every sandbox. For the end of execa's `stdio`. What this process opens itself is never handed on.
 */
export function closedDescriptors(): readonly 'ignore'[] {
  known ??= replaced(inherited());
  return known;
}

function replaced(descriptors: readonly number[]): readonly 'ignore'[] {
  if (descriptors.length === 0) return [];
  // execa takes a number, too, which its types do not know.
  const nothing = openSync('/dev/null', 'r+') as unknown as 'ignore';
  const count = Math.max(...descriptors) - 2;
  return Array.from({ length: count }, (_, index) => (descriptors.includes(index + 3) ? nothing : 'ignore'));
}

function inherited(): readonly number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((descriptor) => descriptor > 2 && isHandedOn(descriptor));
}

function isHandedOn(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSES_ON_EXEC) === 0;
  } catch {
    // It was the listing's own.
    return false;
  }
}
