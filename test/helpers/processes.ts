import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process as /proc has it. */
export interface Seen {
  readonly pid: number;
  readonly parent: number;
  readonly uid: number;
  /** The program's name, at most 15 characters. */
  readonly name: string;
  readonly argv: string;
  readonly cwd: string;
}

/**
 * All that runs now. What waits to be collected does not, nor what is without memory: the kernel takes that first when a
 * process ends, and only then closes its files, by which whoever started it hears of the end.
 */
export function processes(): Seen[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => see(Number(entry)) ?? []);
}

function see(pid: number): Seen | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string): string => new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1] ?? '';
    if (/^[ZX]/.test(field('State'))) return undefined;
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    if (argv === '') return undefined;
    return {
      pid,
      parent: Number(field('PPid')),
      uid: Number(field('Uid').split('\t')[1]),
      name: field('Name'),
      argv,
      cwd: cwdOf(pid),
    };
  } catch {
    // It has ended between the listing and the read.
    return undefined;
  }
}

function cwdOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** Everything that a process has started, and what that has started. */
export function descendants(pid: number, all: readonly Seen[] = processes()): Seen[] {
  const children = all.filter(({ parent }) => parent === pid);
  return [...children, ...children.flatMap((child) => descendants(child.pid, all))];
}

/** What names a folder in its arguments, or works in it. */
export function processesIn(folder: string): Seen[] {
  return processes().filter(({ argv, cwd }) => argv.includes(folder) || `${cwd}/`.startsWith(`${folder}/`));
}
