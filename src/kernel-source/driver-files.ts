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
}

/** Where the driver lives in every kernel from 2.4 on. */
export const DRIVER_FOLDER = 'drivers/message/fusion';
/** The files that may hold the completion routine: RHEL 4 has it in the second. */
const DRIVER_SOURCES = ['mptscsih.c', 'mptscsi.c'] as const;

/** The path below the driver's folder of an archive's entry, a folder or a file; undefined for what is not in it. */
export function driverPath(entryPath: string): string | undefined {
  const path = entryPath.replace(/^(\.\/)+/, '');
  // A whole tree (with or without a leading folder), or the driver's folder packed alone.
  const match = /^(?:[^/]+\/)?drivers\/message\/fusion\/(.+)$/.exec(path) ?? /^fusion\/(.+)$/.exec(path);
  return match?.[1];
}

export function isTopMakefile(entryPath: string): boolean {
  return /^(?:\.\/)?(?:[^/]+\/)?Makefile$/.test(entryPath);
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

/** Reads the driver from a folder: an unpacked kernel tree, or the driver's own folder. Nothing is written to it. */
export async function readDriverTree(machine: Target, folder: string): Promise<DriverFiles> {
  const isDriver = (await Promise.all(DRIVER_SOURCES.map((name) => machine.stat(join(folder, name))))).some(
    Boolean,
  );
  const files = await sourcesOf(machine, isDriver ? folder : join(folder, DRIVER_FOLDER));
  const makefile = isDriver
    ? undefined
    : await machine.readText(join(folder, 'Makefile'), LIMITS.sourceBytes);
  return requireDriver({ files, ...defined({ makefile }) }, folder);
}

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
