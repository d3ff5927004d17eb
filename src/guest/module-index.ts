import { MODULES_FOLDER } from '../machine/folders.ts';
import type { TargetReads } from '../machine/port.ts';

/** The path that a kernel's modules.dep gives for a module; undefined where it has none. */
export async function indexedModule(
  target: Pick<TargetReads, 'readText'>,
  release: string,
  name: string,
): Promise<string | undefined> {
  const text = (await target.readText(`${MODULES_FOLDER}/${release}/modules.dep`)) ?? '';
  return modulePath(text, release, name);
}

/** A module's file, packed or not; 2.4 has `.o`. */
export function isModuleFile(fileName: string, module: string): boolean {
  return (
    fileName.startsWith(`${module}.`) && /^\.(ko|o)(\.(gz|xz|zst|bz2))?$/.test(fileName.slice(module.length))
  );
}

export function modulePath(modulesDep: string, release: string, name: string): string | undefined {
  return modulePaths(modulesDep, release, name)[0];
}

/** Every path that a modules.dep gives for a module; a sound index has one. */
export function modulePaths(modulesDep: string, release: string, name: string): readonly string[] {
  const paths: string[] = [];
  for (const line of modulesDep.split('\n')) {
    const path = line.slice(0, Math.max(0, line.indexOf(':')));
    if (!isModuleFile(path.slice(path.lastIndexOf('/') + 1), name)) continue;
    // kmod writes paths below the module folder, module-init-tools whole ones.
    paths.push(path.startsWith('/') ? path : `${MODULES_FOLDER}/${release}/${path}`);
  }
  return paths;
}
