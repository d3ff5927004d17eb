import { posix } from 'node:path';
import { Parser, type ReadEntry } from 'tar';
import { LIMITS } from '../limits.ts';
import { defined } from '../optional.ts';
import { truncated, unsafe } from './archive.ts';
import type { DriverEnd } from './driver-end.ts';
import {
  DRIVER_FOLDER,
  type DriverFiles,
  driverPlace,
  isDriverSource,
  keptFiles,
  makefileFolder,
  severalDrivers,
  treeOf,
  treeVersion,
} from './driver-files.ts';
import type { ArchiveReader } from './read-archive.ts';

/** Takes the driver's folder and the top Makefile out of a tar stream, into memory. */
export interface TarCollector extends ArchiveReader<DriverFiles> {
  /**
   * What was found, without files that are not complete. Throws what is wrong with the archive, and where it holds more
   * than one driver; a tar that ends within an entry is wrong too, unless the reader itself `stopped`.
   */
  end(stopped?: boolean): DriverFiles;
}

export interface Watcher {
  /** Gets each entry's name as it comes. */
  readonly onEntry?: (name: string) => void;
  /** Tells where nothing of the driver can follow: there the collector has enough, and looks at no entry after that. */
  readonly driverEnd?: DriverEnd;
}

/** `path` is the archive's, for messages. */
export function tarCollector(path: string, { onEntry, driverEnd }: Watcher = {}): TarCollector {
  const kept = keptFiles(path, unsafe);
  let count = 0;
  /** By the folder that each is in, with its slash: those that declare a kernel's version. */
  const makefiles = new Map<string, string>();
  /** The driver's folders: those with its source. */
  const folders = new Set<string>();
  let problem: Error | undefined;
  let ended = false;
  /** What lies behind it in the same chunk is not looked at either: how long chunks are is chance. */
  let enough = false;

  const hasAll = (top: string | undefined): boolean =>
    top !== undefined && makefiles.has(top) && folders.has(`${top}${DRIVER_FOLDER}`);
  const take = (entry: ReadEntry): void => {
    if (enough) {
      entry.resume();
      return;
    }
    count += 1;
    if (count > LIMITS.archiveEntries)
      problem ??= unsafe(`${path} holds more than ${LIMITS.archiveEntries} entries`);
    problem ??= unsafeEntry(path, entry);
    onEntry?.(entry.path);
    driverEnd?.entry(entry.path);
    enough = problem === undefined && hasAll(driverEnd?.passed());
    const place = driverPlace(entry.path);
    const inFolder = makefileFolder(entry.path);
    if (place !== undefined && isDriverSource(place.name) && isPlainFile(entry)) folders.add(place.folder);
    if (problem !== undefined || enough || !isPlainFile(entry) || entry.size > LIMITS.driverFileBytes) {
      entry.resume();
    } else if (place !== undefined && folders.size < 2) {
      keep(entry, (content) => {
        try {
          kept.add(`${place.folder}/${place.name}`, content);
        } catch (error) {
          problem ??= error as Error;
        }
      });
    } else if (inFolder !== undefined) {
      keep(entry, (content) => {
        // Every folder near the top has a Makefile: only a kernel's top one has a version.
        const text = content.toString('utf8');
        if (treeVersion(text) !== undefined && makefiles.size < MAX_TREES) makefiles.set(inFolder, text);
      });
    } else {
      entry.resume();
    }
  };
  // The stream is already decompressed: the parser must not try to decompress it again.
  const parser = new Parser({ strict: true, brotli: false, zstd: false, onReadEntry: take });
  parser.on('error', (error: Error) => {
    if (!enough) problem ??= truncated(path, error.message);
  });
  parser.on('meta', (text: string) => driverEnd?.header(text));
  parser.on('eof', () => {
    ended = true;
  });

  return {
    write: (chunk) => {
      parser.write(chunk);
      return problem === undefined && !enough;
    },
    isWhole: () => ended || enough,
    end: (stopped = false) => {
      if (problem === undefined && !stopped && !enough) parser.end();
      if (problem !== undefined) throw problem;
      if (folders.size > 1) throw severalDrivers(path, [...folders]);
      return theOne([...folders][0], kept.files, makefiles);
    },
  };
}

/** More than any archive has of kernels. */
const MAX_TREES = 100;

/** The driver's files by their names in its folder, with the Makefile of the tree that this is in. */
function theOne(
  source: string | undefined,
  kept: ReadonlyMap<string, Buffer>,
  makefiles: ReadonlyMap<string, string>,
): DriverFiles {
  // A part of an archive may have the driver's other files alone.
  const folder = source ?? driverPlace([...kept.keys()][0] ?? '')?.folder ?? '';
  const inside = [...kept].filter(([name]) => name.startsWith(`${folder}/`));
  const files = new Map(inside.map(([name, content]) => [name.slice(folder.length + 1), content]));
  const makefile = folder === '' ? [...makefiles.values()][0] : makefiles.get(treeOf(folder) ?? '-');
  return { files, ...defined({ makefile }), folder };
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
