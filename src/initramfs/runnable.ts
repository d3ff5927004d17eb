import { EM_386, EM_X86_64 } from '../elf/elf.ts';
import { failure } from '../errors.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import type { InitramfsTool } from './tools.ts';

type Reads = Pick<Target, 'kind' | 'findInside' | 'readRange' | 'stat'>;

/** e_machine of the programs that a machine runs, by `process.arch`. Others are tried: a machine may have an emulator. */
const RUNS: Readonly<Record<string, readonly number[]>> = { x64: [EM_X86_64, EM_386] };

/** The kernel takes no more of a script's first line, and e_machine is within it. Source: BINPRM_BUF_SIZE. */
const HEAD = 256;
/** A script's interpreter may be a script, a few times. Source: exec_binprm() of fs/exec.c. */
const MAX_DEPTH = 5;

/**
 * Whether a tree's tool would start, as far as that can be seen without running it: a command that reads runs no program of a
 * tree. Throws E_TOOLS_MISSING where its interpreter is missing, E_ARCH_UNSUPPORTED where it is of another processor.
 */
export async function requireRunnable(target: Reads, { program }: InitramfsTool): Promise<void> {
  if (traitsOf(target).isRunning) return;
  let path = await target.findInside(program);
  let by = '';
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const status = path === undefined ? undefined : await target.stat(path);
    if (path === undefined || status?.type !== 'file' || (status.mode & 0o111) === 0) {
      throw failure(
        'E_TOOLS_MISSING',
        by === ''
          ? `the guest has no ${program}`
          : `${by} of the guest needs ${path}, which the guest does not have`,
        'install it in the guest, or give --root the folder that holds all of the guest',
      );
    }
    const head = await target.readRange(path, 0, HEAD);
    const script = /^#![ \t]*(\/[^\s\0]+)/.exec(head.toString('latin1'))?.[1];
    if (script === undefined) {
      requireProcessor(path, head);
      return;
    }
    by = path;
    path = script;
  }
}

function requireProcessor(path: string, head: Buffer): void {
  const runs = RUNS[process.arch];
  if (runs === undefined || head.length < 20 || head.toString('latin1', 0, 4) !== '\u007fELF') return;
  const isLittle = head[5] === 1;
  const machine = isLittle ? head.readUInt16LE(18) : head.readUInt16BE(18);
  if (runs.includes(machine)) return;
  throw failure(
    'E_ARCH_UNSUPPORTED',
    `${path} of the guest is built for another processor than this machine’s`,
    'run mptfix on a machine of the guest’s architecture, or in the guest',
  );
}
