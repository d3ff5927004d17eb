import { decompressModule, type ModuleFormat, moduleFormat, type Tool } from '../elf/compression.ts';
import { LIMITS } from '../limits.ts';
import { linesOf } from '../lines.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import type { TargetReads } from '../machine/port.ts';

/*
 * This room reads what is so on a guest: distro, kernels, modules, mounts, disks, init system, package managers. It
 * decides nothing and writes nothing.
 */

/** The driver's module of one kernel of the guest. */
export interface ModuleFile {
  readonly name: string;
  /** The one that modprobe takes. */
  readonly path: string;
  /** Every file of that name in the module tree; more than one means that one shadows the others. */
  readonly candidates: readonly string[];
  readonly sha256: string;
  /** Bytes on disk. */
  readonly size: number;
}

/** Which module file, with which content. */
export type ModuleIdentity = Pick<ModuleFile, 'name' | 'path' | 'sha256'>;

export function moduleIdentity({ name, path, sha256 }: ModuleFile): ModuleIdentity {
  return { name, path, sha256 };
}

type Reads = Pick<TargetReads, 'list' | 'stat' | 'lstat' | 'hash' | 'readText'>;

/** Where modules go that are not the kernel's own: one of these may hide the kernel's. */
export const OWN_FOLDERS: readonly string[] = ['updates', 'updates/dkms', 'extra', 'weak-updates', 'misc'];
/** Where modules are, in the order in which depmod's default `search updates … built-in` prefers them. */
const FOLDERS = [...OWN_FOLDERS, 'kernel/drivers/message/fusion'];

/** Looks for the driver under each of the names, in their order; undefined where the kernel has none as a module. */
export async function moduleFile(
  target: Reads,
  release: string,
  names: readonly string[],
): Promise<ModuleFile | undefined> {
  for (const name of names) {
    const candidates = await findCandidates(target, release, name);
    const indexed = await indexedModule(target, release, name);
    const known = indexed !== undefined && (await target.stat(indexed)) !== undefined;
    const path = known ? indexed : candidates[0];
    if (path === undefined) continue;
    return {
      name,
      path,
      candidates: candidates.includes(path) ? candidates : [path, ...candidates],
      sha256: await target.hash(path, LIMITS.moduleBytes),
      size: (await target.stat(path))?.size ?? 0,
    };
  }
  return undefined;
}

async function findCandidates(target: Reads, release: string, name: string): Promise<string[]> {
  const found: string[] = [];
  const built = await builtFolder(target, release, name);
  for (const folder of new Set([...FOLDERS, ...(built === undefined ? [] : [built])])) {
    const path = `${MODULES_FOLDER}/${release}/${folder}`;
    const files = (await target.list(path)).filter((file) => isModuleFile(file, name));
    for (const file of files) {
      // What is no regular file is refused by name when it is read: not to see it would be “no such driver”.
      if ((await target.stat(`${path}/${file}`)) !== undefined) found.push(`${path}/${file}`);
    }
  }
  return found.length > 0 ? found : findAnywhere(target, release, name);
}

/** Folders of modules are not deeper: kernel/drivers/net/wireless/vendor/chip. */
const MAX_DEPTH = 8;

/**
 * Looks through the whole module tree where no index lists what is in it: vendors put the driver into a folder of their
 * own, such as extra/mptlinux, and not to have looked there is not “no such driver”.
 */
async function findAnywhere(target: Reads, release: string, name: string): Promise<string[]> {
  const top = `${MODULES_FOLDER}/${release}`;
  if (((await target.stat(`${top}/modules.dep`))?.size ?? 0) > 0) return [];
  const found: string[] = [];
  let looked = 0;
  const look = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await target.list(folder)) {
      const path = `${folder}/${entry}`;
      if (isModuleFile(entry, name) && (await target.stat(path)) !== undefined) found.push(path);
      looked += 1;
      // A name with a dot is a file; links (build, source) lead out of the modules.
      if (entry.includes('.') || depth === MAX_DEPTH || looked > LIMITS.kernelModules) continue;
      if ((await target.lstat(path))?.type === 'directory') await look(path, depth + 1);
    }
  };
  await look(top, 0);
  return found;
}

/** The folder where the kernel's build put a module; modules.order exists even where depmod never ran. */
async function builtFolder(target: Reads, release: string, name: string): Promise<string | undefined> {
  const order =
    (await target.readText(`${MODULES_FOLDER}/${release}/modules.order`, LIMITS.moduleIndexBytes)) ?? '';
  const line = lineWithEnd(order, `/${name}.ko`);
  return line === undefined || line.startsWith('/') || /(^|\/)\.\.\//.test(line)
    ? undefined
    : line.slice(0, line.lastIndexOf('/'));
}

function lineWithEnd(text: string, end: string): string | undefined {
  for (const line of linesOf(text)) if (line.endsWith(end)) return line;
  return undefined;
}

/** A module's unpacked content, with its format on disk. */
export interface ModuleContent {
  readonly bytes: Buffer;
  readonly format: ModuleFormat;
}

/** Reads a module of the guest and unpacks it, with this machine's own tools where Node has none. */
export async function readModule(
  target: Pick<TargetReads, 'read' | 'run'>,
  path: string,
): Promise<ModuleContent> {
  const packed = await target.read(path, LIMITS.moduleBytes);
  const format = moduleFormat(packed);
  return { bytes: await decompressModule(packed, format, filterTool(target)), format };
}

/**
 * The port's `run` as the elf room needs it: bytes in, bytes out, and of these no more than show that they are too many
 * for a module.
 */
export function filterTool(target: Pick<TargetReads, 'run'>): Tool {
  return async (argv, input) => {
    const parts: Buffer[] = [];
    let length = 0;
    const result = await target.run(argv, {
      effect: 'read',
      input,
      onChunk: (chunk) => {
        parts.push(Buffer.from(chunk));
        length += chunk.length;
        return length <= LIMITS.moduleUnpackedBytes;
      },
    });
    return { ...result, stdout: Buffer.concat(parts) };
  };
}

/** The path that a kernel's modules.dep gives for a module; undefined where it has none. */
export async function indexedModule(
  target: Pick<TargetReads, 'readText'>,
  release: string,
  name: string,
): Promise<string | undefined> {
  const text =
    (await target.readText(`${MODULES_FOLDER}/${release}/modules.dep`, LIMITS.moduleIndexBytes)) ?? '';
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
  // Only the lines that name it are looked at: there may be millions of others.
  for (let found = modulesDep.indexOf(`${name}.`); found >= 0; ) {
    const start = modulesDep.lastIndexOf('\n', found) + 1;
    const end = modulesDep.indexOf('\n', found);
    const line = modulesDep.slice(start, end < 0 ? undefined : end);
    found = end < 0 ? -1 : modulesDep.indexOf(`${name}.`, end);
    const path = line.slice(0, Math.max(0, line.indexOf(':')));
    if (!isModuleFile(path.slice(path.lastIndexOf('/') + 1), name)) continue;
    // kmod writes paths below the module folder, module-init-tools whole ones. What leads out of it is no module.
    const folder = `${MODULES_FOLDER}/${release}/`;
    const whole = path.startsWith('/') ? path : `${folder}${path}`;
    if (whole.startsWith(folder) && !/\/\.{0,2}\//.test(whole)) paths.push(whole);
  }
  return paths;
}
