import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';

export interface ListingOptions {
  /** Paths below the folder that are left out, with all in them. */
  readonly without?: readonly string[];
}

/**
 * A line for every file, folder, link and device below a folder: name, kind, mode, owner, time to the nanosecond, and the
 * content's hash or the link's text. Two listings are equal where nothing changed.
 */
export function listing(folder: string, options: ListingOptions = {}): string[] {
  const lines: string[] = [];
  const walk = (path: string): void => {
    const name = relative(folder, path);
    if (options.without?.includes(name)) return;
    const status = lstatSync(path, { bigint: true });
    // A device is not read: a console would wait for somebody to type.
    const kind = status.isSymbolicLink() ? 'l' : status.isDirectory() ? 'd' : status.isFile() ? 'f' : 's';
    const content =
      kind === 'l'
        ? readlinkSync(path)
        : kind === 'f'
          ? createHash('sha256').update(readFileSync(path)).digest('hex')
          : '';
    lines.push(
      `${name} ${kind} ${status.mode.toString(8)} ${status.uid}:${status.gid} ${status.mtimeNs} ${content}`,
    );
    if (kind === 'd') for (const entry of readdirSync(path).sort()) walk(join(path, entry));
  };
  walk(folder);
  return lines;
}
