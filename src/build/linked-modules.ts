import { moduleFile, modulePath, readModule } from '../guest/module-file.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { DEPENDENTS, dependsOf, type SandboxModule } from './dependencies.ts';
import type { Job } from './job.ts';

/** The guest's modules that the driver needs and that need it, by name; without the driver itself. */
export type LinkedModules = ReadonlyMap<string, SandboxModule>;

/**
 * Reads what a build of the driver is to be linked with, as far as `known` does not have it. Empty where only a module
 * file is at hand: there is no tree of modules to link with.
 */
export async function linkedModules(
  { guest, kernel, module }: Job,
  driver: Uint8Array,
  known: LinkedModules = new Map(),
): Promise<LinkedModules> {
  const modules = new Map<string, SandboxModule>();
  if (guest === undefined) return modules;
  const { release } = kernel;
  const index = (await guest.readText(`${MODULES_FOLDER}/${release}/modules.dep`)) ?? '';
  const queue = [...dependsOf(driver), ...DEPENDENTS];
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
): Promise<SandboxModule | undefined> {
  const indexed = modulePath(index, release, name);
  const isThere = indexed !== undefined && (await guest.stat(indexed))?.type === 'file';
  const path = isThere ? indexed : (await moduleFile(guest, release, [name]))?.path;
  return path === undefined ? undefined : { name, bytes: (await readModule(guest, path)).bytes };
}
