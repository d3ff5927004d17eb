import { failure } from '../errors.ts';

/** What is needed of a kernel's source: the driver's folder and, for its version, the top Makefile. */
export interface DriverFiles {
  /** By path below the driver's folder: `mptscsih.c`, `lsi/mpi.h`. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Text of the tree's top Makefile; absent where only the driver's folder was given. */
  readonly makefile?: string;
}

/** Where the driver lives in every kernel from 2.4 on. */
export const DRIVER_FOLDER = 'drivers/message/fusion';
/** The files that may hold the completion routine: RHEL 4 has it in the second. */
export const DRIVER_SOURCES = ['mptscsih.c', 'mptscsi.c'] as const;
/** The largest file of the driver has some 300 KB; more than this is no source. */
export const MAX_FILE_BYTES = 8 * 1024 * 1024;

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
    `${origin} holds no ${DRIVER_FOLDER}/mptscsih.c: it is not a kernel’s source, or not a whole one`,
    'give --source the kernel’s source (Debian: the tarball of the package linux-source-X.Y), not its headers',
  );
}
