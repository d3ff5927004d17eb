import type { TargetReads } from './port.ts';
import { findProgram } from './programs.ts';

/** Where an ELF header tells its class and its machine. Source: the ELF specification, e_ident and e_machine. */
const CLASS_AT = 4;
const ELFCLASS32 = 1;
const MACHINE_AT = 18;
const EM_386 = 3;
const HEADER_BYTES = 20;

/**
 * Whether a system's programs are those of i386, by the one that everything there runs. Then `uname -m` is to say so to
 * them (personality(2), PER_LINUX32): mkinitrd and the kernel's own Makefile go by it.
 */
export async function is32Bit(system: Pick<TargetReads, 'readRange' | 'stat'>): Promise<boolean> {
  if ((await system.stat('/bin/sh'))?.type !== 'file') return false;
  const header = await system.readRange('/bin/sh', 0, HEADER_BYTES);
  return header[CLASS_AT] === ELFCLASS32 && header[MACHINE_AT] === EM_386;
}

/** What stands before a program of such a system. `setarch` is of util-linux, as setpriv is. */
export async function asI386(): Promise<readonly [string, string]> {
  return [(await findProgram('setarch')) ?? 'setarch', 'i386'];
}
