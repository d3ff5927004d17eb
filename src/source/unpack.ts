import { Parser, type ReadEntry } from 'tar';
import type { Progress } from '../progress.ts';
import type { Target, UserIds } from '../target/port.ts';
import { openArchive, streamArchive, truncated } from './archive.ts';
import {
  type DriverFiles,
  driverPath,
  isTopMakefile,
  MAX_FILE_BYTES,
  requireDriver,
} from './driver-files.ts';
import { unsafeEntry } from './unsafe-entry.ts';

/**
 * Above this size an archive is not read to its end: a kernel's tarball is some 130 MB of xz, and its names are
 * sorted, so that the driver is complete once its folder is past. A smaller one is read whole: that costs nothing,
 * and also finds what is damaged or hostile behind the driver.
 */
const READ_WHOLE_BYTES = 16 * 1024 * 1024;

export interface UnpackOptions {
  readonly user?: UserIds;
  readonly signal?: AbortSignal;
  readonly progress: Progress;
}

/**
 * Takes only the driver's folder and the top Makefile out of a tarball, into memory: no name in the archive decides
 * where a file is written. One entry that leads out of the archive refuses all of it (E_ARCHIVE_UNSAFE).
 */
export async function unpackDriver(
  machine: Target,
  path: string,
  options: UnpackOptions,
): Promise<DriverFiles> {
  const archive = await openArchive(machine, path);
  const collector = tarCollector(path);
  const readWhole = archive.size <= READ_WHOLE_BYTES;
  let unpacked = 0;
  await streamArchive(machine, archive, {
    ...options,
    onChunk: (chunk) => {
      unpacked += chunk.length;
      options.progress.bytes(unpacked);
      return collector.write(chunk) && (readWhole || !collector.complete());
    },
  });

  const found = await collector.end();
  return requireDriver(found, path);
}

interface TarCollector {
  /** False where the rest is of no use: the archive is unsafe or damaged. */
  write(chunk: Buffer): boolean;
  /** The driver's folder is past and the top Makefile was seen. */
  complete(): boolean;
  /** Throws what was found wrong. */
  end(): Promise<DriverFiles>;
}

function tarCollector(path: string): TarCollector {
  const files = new Map<string, Buffer>();
  const pending: Promise<void>[] = [];
  let makefile: string | undefined;
  let problem: Error | undefined;
  let previous: string | undefined;
  let past = false;

  const keep = (entry: ReadEntry, then: (content: Buffer) => void): void => {
    pending.push(entry.concat().then(then));
  };
  const take = (entry: ReadEntry): void => {
    problem ??= unsafeEntry(path, entry);
    const name = driverPath(entry.path);
    past ||= previous !== undefined && name === undefined;
    previous = name;
    if (problem !== undefined || !isPlainFile(entry) || entry.size > MAX_FILE_BYTES) {
      entry.resume();
    } else if (name !== undefined) {
      keep(entry, (content) => files.set(name, content));
    } else if (isTopMakefile(entry.path)) {
      keep(entry, (content) => {
        makefile = content.toString('utf8');
      });
    } else {
      entry.resume();
    }
  };
  // Decompression is done by then: the parser must not guess at one of its own.
  const parser = new Parser({ strict: true, brotli: false, zstd: false, onReadEntry: take });
  parser.on('error', (error: Error) => {
    problem ??= truncated(path, error.message);
  });

  return {
    write: (chunk) => {
      parser.write(chunk);
      return problem === undefined;
    },
    complete: () => past && makefile !== undefined,
    end: async () => {
      if (problem === undefined && !past) parser.end();
      if (problem !== undefined) throw problem;
      await Promise.all(pending);
      return { files, ...(makefile === undefined ? {} : { makefile }) };
    },
  };
}

function isPlainFile(entry: ReadEntry): boolean {
  return entry.type === 'File' || entry.type === 'OldFile' || entry.type === 'ContiguousFile';
}
