import { failure } from '../errors.ts';
import { type IndexForm, indexForm } from '../guest/index/forms.ts';
import { indexTools } from '../guest/index/tools.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { requireRelease } from '../names.ts';
import { typedShell } from '../typed.ts';
import { runGuestDepmod } from './guest-depmod.ts';
import { requireIndexTools } from './indexing.ts';

/**
 * Every file that a depmod writes into a kernel's module folder, from modutils to kmod of today.
 * Source: the `outfiles` table of kmod's tools/depmod.c, module-init-tools 3.2's for the maps, and the list of what modutils
 * 2.4 does not take for modules (util/alias.h).
 */
const OUTPUTS = [
  'modules.alias',
  'modules.alias.bin',
  'modules.builtin.alias.bin',
  'modules.builtin.bin',
  'modules.ccwmap',
  'modules.dep',
  'modules.dep.bin',
  'modules.devname',
  'modules.generic_string',
  'modules.ieee1394map',
  'modules.inputmap',
  'modules.isapnpmap',
  'modules.ofmap',
  'modules.parportmap',
  'modules.pcimap',
  'modules.pnpbiosmap',
  'modules.seriomap',
  'modules.softdep',
  'modules.symbols',
  'modules.symbols.bin',
  'modules.usbmap',
  'modules.weakdep',
] as const;

export function depmodOutputs(release: string): readonly string[] {
  return OUTPUTS.map((name) => `${MODULES_FOLDER}/${release}/${name}`);
}

/** Whether a file name in a module folder is one that depmod writes. */
export function isDepmodOutput(name: string): boolean {
  return OUTPUTS.some((output) => output === name);
}

/** The slowest seen took ten seconds. What has a FIFO in place of a file would wait for ever. */
const LIMIT_MS = 5 * 60_000;

export interface IndexJob {
  readonly release: string;
  /** What it was written as when it was last known; counts where the guest does not tell it any more. */
  readonly form: IndexForm['id'] | undefined;
  /** A folder of the guest that is made and removed. */
  readonly scratch: string;
}

/**
 * Rebuilds the module index of one kernel of the guest, in the form that the guest's own modprobe reads: by this machine's
 * depmod where that writes it, else by the guest's own. Throws E_INDEX where it cannot be told which form that is,
 * E_INSTALL, and as `RunOptions.inside` has it.
 */
export async function rebuildIndex(target: Target, { release, form, scratch }: IndexJob): Promise<void> {
  const tools = await indexTools(target, release);
  const known =
    'problem' in tools && form !== undefined
      ? indexForm(form)
      : (await requireIndexTools(target, release)).form;
  if (known.isOurs) return runDepmod(target, release);
  await runGuestDepmod(target, { release, outputs: depmodOutputs(release), scratch });
}

/** Rebuilds it by this machine's depmod, never the index of the machine's own kernel in its stead. */
export async function runDepmod(target: Target, release: string): Promise<void> {
  const argv = ['depmod', '-b', target.toolRoot, '--', requireRelease(release)] as const;
  const result = await target.run(argv, { effect: 'write', sees: 'guest', timeoutMs: LIMIT_MS });
  if (result.status === 0) return;
  throw failure(
    'E_INSTALL',
    `depmod failed: ${result.stderr.trim().split('\n')[0] ?? `exit status ${result.status}`}`,
    `run ${typedShell(['depmod', '-b', traitsOf(target).isRunning ? '/' : target.name, release])} to see why; the module tree may be damaged`,
  );
}

/**
 * Whether a name is of a file that a killed depmod has left: kmod writes `modules.dep.bin.PID.USEC.SEC` and renames it.
 * Source: depmod_output() of kmod's tools/depmod.c.
 */
export async function isAbandonedIndex(target: Target, name: string): Promise<boolean> {
  const match = /^(modules\.[a-z0-9.]*[a-z])\.\d+\.\d+\.\d+$/.exec(name);
  if (match === null || !isDepmodOutput(match[1] ?? '')) return false;
  // One that is still being written belongs to a depmod of somebody else. Its number says nothing: it may be that of
  // another PID namespace, as our own depmod's is.
  const openFiles = ['-mindepth', '3', '-maxdepth', '3', '-path', '/proc/[0-9]*/fd/*'] as const;
  const holder = ['find', '/proc', ...openFiles, '-lname', `*/${name}`, '-print', '-quit'] as const;
  return (await target.run(holder, { effect: 'read' })).stdout.length === 0;
}
