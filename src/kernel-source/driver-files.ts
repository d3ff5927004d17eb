import { join } from 'node:path';
import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Target } from '../machine/port.ts';
import { defined } from '../optional.ts';

/*
 * This room brings a kernel's source and headers: from the distro's archives, a tarball or a folder. What it brings is
 * checked (signature, hash, names that leave the archive) and never written where it came from.
 */

/** The part of a kernel's source that is needed: the driver's folder and, for its version, the top Makefile. */
export interface DriverFiles {
  /** By path below the driver's folder: `mptscsih.c`, `lsi/mpi.h`. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Text of the tree's top Makefile; absent where only the driver's folder was given. */
  readonly makefile?: string;
  /** The driver's folder below what was given: `linux-6.1/drivers/message/fusion`; empty where it is that itself. */
  readonly folder: string;
}

/** Where the driver lives in every kernel from 2.4 on. */
export const DRIVER_FOLDER = 'drivers/message/fusion';
/** The files that may hold the completion routine: RHEL 4 has it in the second. */
const DRIVER_SOURCES = ['mptscsih.c', 'mptscsi.c'] as const;

/** A place in a driver's folder. */
export interface DriverPlace {
  /** The driver's folder, as the archive has it: `linux-6.1/drivers/message/fusion`. */
  readonly folder: string;
  /** The path below it: `mptscsih.c`, `lsi/mpi.h`. */
  readonly name: string;
}

/**
 * Where an archive's entry, a folder or a file, is in a driver's folder; undefined for what is in none. The folder is that
 * of a kernel's tree, that of LSI's own packages, which have one for each distro (`SLES10/message/fusion`), or `fusion`
 * packed alone.
 */
export function driverPlace(entryPath: string): DriverPlace | undefined {
  const path = entryPath.replace(/^(\.\/)+/, '');
  const match = /^((?:[^/]+\/){0,5}message\/fusion)\/(.+)$/.exec(path) ?? /^(fusion)\/(.+)$/.exec(path);
  return match?.[1] === undefined || match[2] === undefined
    ? undefined
    : { folder: match[1], name: match[2] };
}

/** Whether a file has the completion routine, or is where RHEL 4 has it in the other one. */
export function isDriverSource(name: string): boolean {
  return DRIVER_SOURCES.some((one) => one === name);
}

/** The folder of a Makefile that may be the top one of a kernel's tree, with its slash; undefined for another file. */
export function makefileFolder(entryPath: string): string | undefined {
  return /^(?:\.\/)*((?:[^/]+\/){0,4})Makefile$/.exec(entryPath)?.[1];
}

/** The top of the kernel's tree that a driver's folder is in, with its slash; undefined where it is in none. */
export function treeOf(folder: string): string | undefined {
  const top = folder.slice(0, -DRIVER_FOLDER.length);
  return folder.endsWith(DRIVER_FOLDER) && (top === '' || top.endsWith('/')) ? top : undefined;
}

/** Throws E_DRIVER_NOT_IN_SOURCE where neither of the driver's sources is there. */
export function requireDriver(found: DriverFiles, origin: string): DriverFiles {
  if (DRIVER_SOURCES.some((name) => found.files.has(name))) return found;
  throw failure(
    'E_DRIVER_NOT_IN_SOURCE',
    `${origin} holds no ${DRIVER_FOLDER}/mptscsih.c: it is not a kernel’s source, or not a complete one`,
    'give --source the kernel’s source (the tarball or folder that its distro’s source package brings), not its headers',
  );
}

/** The most folders that a message names. */
const NAMED = 10;

/** The error for a source with several drivers: which of them is the guest's, only a person can tell. */
export function severalDrivers(origin: string, folders: readonly string[]): Error {
  const more = folders.length > NAMED ? ` and ${folders.length - NAMED} more` : '';
  const named = folders.slice(0, NAMED).map((folder) => JSON.stringify(folder.slice(0, 120)));
  return failure(
    'E_DRIVER_NOT_IN_SOURCE',
    `${origin} holds the driver ${folders.length} times: ${named.join(', ')}${more}`,
    'give --source one of these folders; a tarball has to be unpacked for that',
  );
}

/**
 * Reads the driver from a folder: an unpacked kernel tree, the driver's own folder, or a folder with one of these in it.
 * Nothing is written to it. Throws E_DRIVER_NOT_IN_SOURCE where there is none, or more than one.
 */
export async function readDriverTree(machine: Target, folder: string): Promise<DriverFiles> {
  const found = await driverFolders(machine, folder);
  const [first = DRIVER_FOLDER, ...others] = found;
  if (others.length > 0) throw severalDrivers(folder, found);
  const top = treeOf(first);
  const files = await sourcesOf(machine, join(folder, first));
  const makefile =
    top === undefined ? undefined : await machine.readText(join(folder, top, 'Makefile'), LIMITS.sourceBytes);
  return requireDriver({ files, ...defined({ makefile }), folder: first }, folder);
}

/** How deep below a folder the trees are that it may hold: folder, package, distro. */
const TREE_DEPTH = 2;

/** The driver's folders below `folder`, as paths below it: the nearest ones. */
async function driverFolders(machine: Target, folder: string): Promise<readonly string[]> {
  const holdsDriver = async (below: string): Promise<boolean> =>
    (await Promise.all(DRIVER_SOURCES.map((name) => machine.stat(join(folder, below, name))))).some(Boolean);
  let level: readonly string[] = [''];
  let looked = 0;
  for (let depth = 0; depth <= TREE_DEPTH; depth += 1) {
    const found: string[] = [];
    const deeper: string[] = [];
    for (const below of level) {
      for (const inner of depth === 0 ? ['', ...IN_TREE] : IN_TREE)
        if (await holdsDriver(join(below, inner))) found.push(inner === '' ? '' : join(below, inner));
      if (found.length > 0 || looked > LIMITS.driverNames) continue;
      for (const name of await machine.list(join(folder, below))) {
        looked += 1;
        // A link may lead to a tree that is looked at anyway: linux -> linux-2.6.18.
        if ((await machine.lstat(join(folder, below, name)))?.type === 'directory')
          deeper.push(join(below, name));
      }
    }
    if (found.length > 0) return found;
    level = deeper;
  }
  return [];
}

/** Where the driver is in a kernel's tree, and in LSI's packages. */
const IN_TREE: readonly string[] = [DRIVER_FOLDER, 'message/fusion'];

/** The driver has one level of folders (`lsi/`); more would be a loop of links. */
const MAX_DEPTH = 3;

/** The driver's own files at any depth, by their paths below `folder`. Throws E_FILE_UNSAFE where they are too many. */
async function sourcesOf(machine: Target, folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const kept = keptFiles(folder, (why) =>
    failure('E_FILE_UNSAFE', why, 'give --source the kernel’s source, or the driver’s own folder'),
  );
  let names = 0;
  const look = async (below: string, depth: number): Promise<void> => {
    for (const name of await machine.list(join(folder, below))) {
      names += 1;
      if (names > LIMITS.driverNames) throw kept.tooMany(`more than ${LIMITS.driverNames} names`);
      const path = join(folder, below, name);
      const status = await machine.stat(path);
      if (status?.type === 'directory' && depth < MAX_DEPTH) await look(join(below, name), depth + 1);
      else if (status?.type === 'file' && status.size <= LIMITS.driverFileBytes && isSource(name))
        kept.add(join(below, name), await machine.read(path, LIMITS.driverFileBytes));
    }
  };
  await look('', 0);
  return kept.files;
}

/** Keeps files of the driver, as many and as large as it may have. `refuse` makes the error of a reason. */
export function keptFiles(origin: string, refuse: (why: string) => Error) {
  const files = new Map<string, Buffer>();
  let bytes = 0;
  const tooMany = (what: string): Error =>
    refuse(`${origin} has ${what} in the driver’s folder, which no kernel’s source has`);
  return {
    files: files as ReadonlyMap<string, Buffer>,
    tooMany,
    /** Throws where the files are too many or too large together. */
    add: (name: string, content: Buffer): void => {
      bytes += content.length;
      files.set(name, content);
      if (files.size > LIMITS.driverFiles) throw tooMany(`more than ${LIMITS.driverFiles} files`);
      if (bytes > LIMITS.driverBytes)
        throw tooMany(`files of more than ${LIMITS.driverBytes} bytes together`);
    },
  };
}

/** A tree that was built in has old objects, which must not pass for new ones. */
function isSource(name: string): boolean {
  return /\.[ch]$/.test(name) || /^(Makefile|Kbuild|Kconfig)/.test(name);
}

/** The version that a top Makefile declares, such as `6.1.192` or `2.6.18`; undefined where it declares none. */
export function treeVersion(makefile: string): string | undefined {
  const names = ['VERSION', 'PATCHLEVEL', 'SUBLEVEL'];
  const [version, patchlevel, sublevel] = names.map((name) => variable(makefile, name));
  if (version === undefined || patchlevel === undefined) return undefined;
  return [version, patchlevel, ...(sublevel === undefined ? [] : [sublevel])].join('.');
}

/** The number that a variable is set to. */
function variable(makefile: string, name: string): string | undefined {
  const value = new RegExp(`^${name}[ \\t]*=[ \\t]*(\\S*)`, 'm').exec(makefile)?.[1];
  return value !== undefined && /^\d+$/.test(value) ? value : undefined;
}
