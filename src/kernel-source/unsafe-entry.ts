import { posix } from 'node:path';
import { failure } from '../errors.ts';

/** What of an archive's entry decides whether it stays inside. */
export interface EntryNames {
  readonly path: string;
  readonly type: string;
  readonly linkpath?: string | undefined;
}

/** The error for an entry whose name or link leads out of the archive; undefined for a harmless one. */
export function unsafeEntry(archive: string, entry: EntryNames): Error | undefined {
  const why = reason(entry);
  if (why === undefined) return undefined;
  return failure(
    'E_ARCHIVE_UNSAFE',
    `${archive} holds ${printable(entry.path)}, ${why}`,
    'do not use this archive: a kernel’s source holds no such name; fetch the source from the distro again',
  );
}

function reason(entry: EntryNames): string | undefined {
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

/** Also a name that climbs and comes back is refused: no honest tool writes one. */
function climbs(path: string): boolean {
  return path.split('/').includes('..');
}

/** A hostile name must not reach the terminal as it is. */
function printable(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
