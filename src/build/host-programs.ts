import { join } from 'node:path';
import { failure } from '../errors.ts';
import type { Headers } from '../kernel-source/headers.ts';
import type { Workspace } from '../work/workspace.ts';
import { buildSandbox } from './build-sandbox.ts';
import { runTool, type Toolchain } from './toolchain/toolchain.ts';

/** What a C library says of a program that was made for a newer one. */
const TOO_OLD = /version `GLIBC_[\d.]+' not found/;
/** A shell: 126 for a program that cannot be run, 127 for one, or a loader, that is not there. */
const CANNOT_RUN: readonly number[] = [126, 127];
/** exec(3) would take for a script what the kernel does not know; a shell looks first. */
const START = '"$1"';

/**
 * Starts one of the headers' own programs as the build will, without arguments: then it only tells how it is used. Throws
 * E_ARCH_UNSUPPORTED where this machine's kernel does not run such programs, E_TOOLS_MISSING where their loader or
 * library is missing or too old: make would say less.
 */
export async function requireHostPrograms(
  workspace: Pick<Workspace, 'machine' | 'user'>,
  toolchain: Toolchain,
  { folder, binds, loader }: Pick<Headers, 'folder' | 'binds' | 'loader'>,
): Promise<void> {
  if (loader === undefined) return;
  const argv = ['sh', '-c', START, 'sh', join(folder, loader.program)] as const;
  const { status, stderr } = await runTool(toolchain, workspace, argv, buildSandbox([], binds));
  if (!CANNOT_RUN.includes(status) && !TOO_OLD.test(stderr)) return;
  const words = (stderr.trim().split('\n')[0] ?? '').replace(/^sh: (?:line )?\d+: /, '');
  const what = `${loader.program} of the kernel’s headers does not run ${toolchain.kind === 'machine' ? 'on this machine' : `in ${toolchain.name}`}: ${words}`;
  if (/Exec format error/.test(words)) {
    throw failure(
      'E_ARCH_UNSUPPORTED',
      what,
      loader.bits === 32
        ? 'run mptfix where the kernel runs programs of i386 (CONFIG_IA32_EMULATION, and not ia32_emulation=0)'
        : 'run mptfix on a machine of the headers’ architecture',
    );
  }
  throw failure(
    'E_TOOLS_MISSING',
    what,
    'compile in the guest’s own tree (--root DIR --toolchain guest), or run mptfix where the C library is as new as the guest’s',
  );
}
