import { posix } from 'node:path';
import { Parser, type ReadEntry } from 'tar';
import { LIMITS } from '../limits.ts';
import { defined } from '../optional.ts';
import { truncated, unsafe } from './archive.ts';
import { type DriverFiles, driverPath, isTopMakefile, keptFiles, treeVersion } from './driver-files.ts';

/** Takes the driver's folder and the top Makefile out of a tar stream, into memory. */
export interface TarCollector {
  /** False where the rest is useless: the archive is unsafe or damaged. */
  write(chunk: Buffer): boolean;
  /** The driver's folder has passed and the top Makefile was seen. */
  complete(): boolean;
  /**
   * What was found, without files that are not complete. Throws what is wrong with the archive; a tar that ends within
   * an entry is wrong too, unless the reader itself `stopped`.
   */
  end(stopped?: boolean): DriverFiles;
}

/** `path` is the archive's, for messages; `onEntry` gets each entry's name as it comes. */
export function tarCollector(path: string, onEntry?: (name: string) => void): TarCollector {
  const kept = keptFiles(path, unsafe);
  let count = 0;
  let makefile: string | undefined;
  let problem: Error | undefined;
  let previous: string | undefined;
  let past = false;

  const take = (entry: ReadEntry): void => {
    count += 1;
    if (count > LIMITS.archiveEntries)
      problem ??= unsafe(`${path} holds more than ${LIMITS.archiveEntries} entries`);
    problem ??= unsafeEntry(path, entry);
    onEntry?.(entry.path);
    const name = driverPath(entry.path);
    past ||= previous !== undefined && name === undefined;
    previous = name;
    if (problem !== undefined || !isPlainFile(entry) || entry.size > LIMITS.driverFileBytes) {
      entry.resume();
    } else if (name !== undefined) {
      keep(entry, (content) => {
        try {
          kept.add(name, content);
        } catch (error) {
          problem ??= error as Error;
        }
      });
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
  // The stream is already decompressed: the parser must not try to decompress it again.
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
      return { files: kept.files, ...defined({ makefile }) };
    },
  };
}

/** By events and not by a promise: a promise for an entry whose end a stopped reader never saw would never settle. */
function keep(entry: ReadEntry, then: (content: Buffer) => void): void {
  const parts: Buffer[] = [];
  entry.on('data', (part) => parts.push(part));
  entry.on('end', () => then(Buffer.concat(parts)));
}

function isPlainFile(entry: ReadEntry): boolean {
  return entry.type === 'File' || entry.type === 'OldFile' || entry.type === 'ContiguousFile';
}

/** The parts of an archive's entry that decide whether it stays inside. */
export type EntryNames = Pick<ReadEntry, 'path' | 'linkpath'> & { readonly type: string };

/** The error for an entry whose name or link leads out of the archive; undefined for a harmless one. */
export function unsafeEntry(archive: string, entry: EntryNames): Error | undefined {
  const why = reason(entry);
  if (why === undefined) return undefined;
  return unsafe(`${archive} holds ${printable(entry.path)}, ${why}`);
}

function reason(entry: EntryNames): string | undefined {
  if (Math.max(entry.path.length, entry.linkpath?.length ?? 0) > LIMITS.archiveNameBytes)
    return `a name of more than ${LIMITS.archiveNameBytes} bytes`;
  if (posix.isAbsolute(entry.path)) return 'an absolute name';
  if (entry.path.includes('\0')) return 'a name with a NUL byte';
  if (climbs(entry.path)) return 'a name that leads out of it';
  const link = entry.linkpath ?? '';
  if (entry.type === 'Link' && (posix.isAbsolute(link) || climbs(link))) {
    return `a hard link to ${printable(link)}, out of it`;
  }
  if (
    entry.type === 'SymbolicLink' &&
    (posix.isAbsolute(link) || climbs(posix.join(posix.dirname(entry.path), link)))
  ) {
    return `a symbolic link to ${printable(link)}, out of it`;
  }
  if (/Device|FIFO/.test(entry.type)) return 'a device or pipe';
  return undefined;
}

/** A name that climbs and comes back is refused too: no honest tool writes one. */
function climbs(path: string): boolean {
  return path.split('/').includes('..');
}

/** A hostile name must not reach the terminal as it is. */
function printable(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
