import { join } from 'node:path';
import { readElf } from '../elf/elf.ts';
import { modinfo, modinfoField } from '../elf/module-data.ts';
import type { Workspace } from '../work/workspace.ts';
import type { ProofResult } from './proof.ts';

/** A module of the sandbox: name without suffix, content unpacked. */
export interface SandboxModule {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The modules that link against this driver's exports; they must still find all of them. */
export const DEPENDENTS = ['mptspi', 'mptsas', 'mptfc', 'mptctl', 'mptlan'] as const;

/** Names that a module says it needs. */
export function dependsOf(bytes: Uint8Array): readonly string[] {
  const text = modinfoField(modinfo(readElf(bytes)), 'depends') ?? '';
  return text.split(',').filter((name) => /^[\w-]+$/.test(name));
}

/**
 * `depmod -e` over a sandbox that holds the new module, all that it needs and all that needs it, against the build
 * folder's Module.symvers: no symbol may be unknown, no CRC may disagree. The guest's own tree is only read.
 */
export async function proveDependencies(
  workspace: Pick<Workspace, 'machine' | 'own' | 'writeOwn'>,
  release: string,
  modules: readonly SandboxModule[],
  symversFile: string,
): Promise<ProofResult> {
  const { machine } = workspace;
  const folder = workspace.own('sandbox');
  const place = join(folder, 'lib/modules', release);
  await Promise.all(modules.map(({ name, bytes }) => workspace.writeOwn(join(place, `${name}.ko`), bytes)));
  const argv = ['depmod', '-n', '-e', '-E', symversFile, '-b', folder, release] as const;
  const result = await machine.run(argv, { effect: 'read' });
  const complaints = result.stderr
    .split('\n')
    .filter((line) => /unknown symbol|disagrees about version/.test(line));
  const first = complaints[0]?.replace(/^depmod: (WARNING|ERROR): /, '').replaceAll(`${place}/`, '');
  const ok = result.status === 0 && complaints.length === 0;
  return {
    name: 'dependencies',
    ok,
    detail: ok
      ? `depmod -e of ${modules.map(({ name }) => name).join(' ')}: every symbol is known, every CRC agrees`
      : (first ?? (result.stderr.trim().split('\n')[0] || `depmod ended with ${result.status}`)),
    code: 'E_PROOF_DEPENDENCIES',
  };
}
