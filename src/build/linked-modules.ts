import { join } from 'node:path';
import { readElf } from '../elf/elf.ts';
import { modinfo, modinfoField } from '../elf/module-data.ts';
import { moduleFile, modulePath, readModule } from '../guest/module-file.ts';
import { indexedDependents } from '../guest/module-links.ts';
import { LIMITS } from '../limits.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { moduleName } from '../names.ts';
import type { Workspace } from '../work/workspace.ts';
import { buildSandbox, runBoxed } from './build-sandbox.ts';
import type { Job } from './job.ts';
import type { ProofResult } from './proof.ts';

/** The guest's modules that the driver needs and that need it, by name; without the driver itself. */
export type LinkedModules = ReadonlyMap<string, LinkedModule>;

/**
 * Reads what a build of the driver is to be linked with, as far as `known` does not have it. Empty where only a module
 * file is at hand: there is no tree of modules to link with.
 */
export async function linkedModules(
  { guest, kernel, module }: Job,
  driver: Uint8Array,
  known: LinkedModules = new Map(),
): Promise<LinkedModules> {
  const modules = new Map<string, LinkedModule>();
  if (guest === undefined) return modules;
  const { release } = kernel;
  const index = (await guest.readText(`${MODULES_FOLDER}/${release}/modules.dep`, LIMITS.indexBytes)) ?? '';
  const dependents = indexedDependents(index, module.name).slice(0, LIMITS.moduleNeeds);
  const queue = [
    ...dependsOf(driver),
    ...DEPENDENTS,
    ...dependents.filter((name) => moduleName(name) !== undefined),
  ];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (modules.has(name) || name === module.name) continue;
    const found = known.get(name) ?? (await read(guest, release, name, index));
    if (found === undefined) continue;
    modules.set(name, found);
    queue.push(...dependsOf(found.bytes));
  }
  return modules;
}

/** The module that modprobe would take: by the index, or where there is none by its usual folders. */
async function read(
  guest: Target,
  release: string,
  name: string,
  index: string,
): Promise<LinkedModule | undefined> {
  const indexed = modulePath(index, release, name);
  const isThere = indexed !== undefined && (await guest.stat(indexed))?.type === 'file';
  const path = isThere ? indexed : (await moduleFile(guest, release, [name]))?.path;
  return path === undefined ? undefined : { name, bytes: (await readModule(guest, path)).bytes };
}

/** A module: name without suffix, content unpacked. */
export interface LinkedModule {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The modules that link against this driver's exports, also where no index tells; they must still find all of them. */
const DEPENDENTS = ['mptspi', 'mptsas', 'mptfc', 'mptctl', 'mptlan'] as const;

/** Names that a module says it needs. */
function dependsOf(bytes: Uint8Array): readonly string[] {
  const text = modinfoField(modinfo(readElf(bytes)), 'depends') ?? '';
  return text.split(',').filter((name) => moduleName(name) !== undefined);
}

const SYMVERS = 'Module.symvers';

/**
 * `depmod -e`, in a sandbox, over a folder that holds the new module, all that it needs and all that needs it, against the build
 * folder's Module.symvers (`symvers` is its text): no symbol may be unknown, no CRC may disagree. The guest's own tree is only read.
 */
export async function proveDependencies(
  workspace: Pick<Workspace, 'machine' | 'user' | 'own' | 'writeOwn'>,
  release: string,
  modules: readonly LinkedModule[],
  symvers: string,
): Promise<ProofResult> {
  const folder = workspace.own('modules');
  const files = join(folder, 'lib/modules', release);
  await Promise.all(modules.map(({ name, bytes }) => workspace.writeOwn(join(files, `${name}.ko`), bytes)));
  await workspace.writeOwn(join(folder, SYMVERS), Buffer.from(withFourthColumn(symvers)));
  // Where the sandbox has them.
  const root = '/build';
  const place = join(root, 'lib/modules', release);
  const argv = ['depmod', '-n', '-e', '-E', join(root, SYMVERS), '-b', root, '--', release] as const;
  const result = await runBoxed(workspace, argv, buildSandbox([], [{ from: folder, to: root }]));
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
  };
}

/**
 * Kernels before 2.6.18 write three columns. kmod (libkmod 30, depmod_load_symvers) takes a symbol for the kernel's own only
 * where the third column ends with a tab, so it would know none. The build keeps the file as it is: modpost of that
 * time refuses a fourth column.
 */
function withFourthColumn(symvers: string): string {
  return symvers.replace(/^[^\t\n]+\t[^\t\n]+\t[^\t\n]+$/gm, '$&\tEXPORT_SYMBOL');
}
