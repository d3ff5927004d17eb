import { existsSync } from 'node:fs';
import { installMissing, type Needed } from '../scripts/install-missing.ts';

/** Programs that are only compared with, or only measure: what mptfix itself needs comes by scripts/setup.mjs. */
const PROGRAMS = {
  /** GNU time, which asks the kernel for the largest process of all that a command has started. */
  time: ['/usr/bin/time', 'time'],
  rg: ['rg', 'ripgrep'],
  lbzip2: ['lbzip2', 'lbzip2'],
  pigz: ['pigz', 'pigz'],
  dkms: ['dkms', 'dkms'],
  mmdebstrap: ['mmdebstrap', 'mmdebstrap'],
} as const satisfies Readonly<Record<string, Needed>>;

/** Whether the program is there, installed first if it can be: as scripts/setup.mjs does it for the tests. */
export function bring(name: keyof typeof PROGRAMS): boolean {
  const [program] = PROGRAMS[name];
  return (
    installMissing([PROGRAMS[name]], 'the benchmarks') && (!program.startsWith('/') || existsSync(program))
  );
}

/** Says in the page that a row is missing, and why. */
export function notHere(name: keyof typeof PROGRAMS): string {
  return `${name} is not on this machine, and could not be installed: it was not measured.`;
}
