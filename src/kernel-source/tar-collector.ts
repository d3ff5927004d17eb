import { Parser, type ReadEntry } from 'tar';
import { truncated } from './archive.ts';
import { type DriverFiles, driverPath, isTopMakefile, MAX_FILE_BYTES } from './driver-files.ts';
import { treeVersion } from './makefile-version.ts';
import { unsafeEntry } from './unsafe-entry.ts';

/** Takes the driver's folder and the top Makefile out of a tar stream, into memory. */
export interface TarCollector {
  /** False where the rest is of no use: the archive is unsafe or damaged. */
  write(chunk: Buffer): boolean;
  /** The driver's folder is past and the top Makefile was seen. */
  complete(): boolean;
  /**
   * What was found; a file that is not there to its last byte is left out. Throws what was found wrong, also that
   * the tar ends within an entry, unless the reader says that it stopped of its own.
   */
  end(stopped?: boolean): DriverFiles;
}

/** `path` is the archive's, for messages; `onEntry` hears each entry's name as it comes. */
export function tarCollector(path: string, onEntry?: (name: string) => void): TarCollector {
  const files = new Map<string, Buffer>();
  let makefile: string | undefined;
  let problem: Error | undefined;
  let previous: string | undefined;
  let past = false;

  const take = (entry: ReadEntry): void => {
    problem ??= unsafeEntry(path, entry);
    onEntry?.(entry.path);
    const name = driverPath(entry.path);
    past ||= previous !== undefined && name === undefined;
    previous = name;
    if (problem !== undefined || !isPlainFile(entry) || entry.size > MAX_FILE_BYTES) {
      entry.resume();
    } else if (name !== undefined) {
      keep(entry, (content) => files.set(name, content));
    } else if (isTopMakefile(entry.path)) {
      keep(entry, (content) => {
        // Without a leading folder every first-level folder's Makefile looks like the top one: only that has a version.
        const text = content.toString('utf8');
        if (treeVersion(text) !== undefined) makefile = text;
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
    end: (stopped = false) => {
      if (problem === undefined && !stopped) parser.end();
      if (problem !== undefined) throw problem;
      return { files, ...(makefile === undefined ? {} : { makefile }) };
    },
  };
}

/** By events and not by a promise: one for an entry that a stopped reader never saw the end of would never settle. */
function keep(entry: ReadEntry, then: (content: Buffer) => void): void {
  const parts: Buffer[] = [];
  entry.on('data', (part) => parts.push(part));
  entry.on('end', () => then(Buffer.concat(parts)));
}

function isPlainFile(entry: ReadEntry): boolean {
  return entry.type === 'File' || entry.type === 'OldFile' || entry.type === 'ContiguousFile';
}
