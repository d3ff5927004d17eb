import {
  closeSync,
  constants,
  fstatSync,
  opendirSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { unsafe } from './file-errors.ts';
import { handlePath, O_PATH } from './places.ts';
import type { WalkBounds, WalkedEntry } from './port.ts';
import { typeName } from './regular-file.ts';

const CHUNK_BYTES = 1024 * 1024;
/** So many entries take some milliseconds; then signals and timers have their turn. */
const AT_ONCE = 32;

/** Where a walk is: a folder by its descriptor, so that nobody can put another in its place. */
interface Place {
  readonly descriptor: number;
  /** Below the folder where the walk began. */
  readonly path: string;
  readonly depth: number;
}

/** What a walk may still read. */
interface Budget {
  entries: number;
  bytes: number;
}

/**
 * Everything below a folder that is open, each folder before what is in it, by name. Links are told, not followed.
 * The calls are synchronous: a kernel's headers are 16,000 files, and ten asynchronous calls for each take ten seconds.
 * Throws E_FILE_UNSAFE for a device, a FIFO or a socket, and where there is more than the bounds allow. `name` is for messages.
 */
export async function* walkFolder(
  descriptor: number,
  name: string,
  bounds: WalkBounds,
): AsyncGenerator<WalkedEntry> {
  yield* walkBelow({ descriptor, path: '', depth: 0 }, name, bounds, { ...bounds });
}

async function* walkBelow(
  folder: Place,
  name: string,
  bounds: WalkBounds,
  budget: Budget,
): AsyncGenerator<WalkedEntry> {
  if (folder.depth > bounds.depth) throw unsafe(name, `its folders are more than ${bounds.depth} deep`);
  const base = handlePath(folder.descriptor);
  for (const entry of namesIn(base, budget, () =>
    unsafe(name, `it has more than ${bounds.entries} files and folders`),
  )) {
    const path = folder.path === '' ? entry : `${folder.path}/${entry}`;
    const descriptor = openEntry(`${base}/${entry}`, `${name}/${path}`);
    try {
      const status = fstatSync(descriptor);
      const mode = status.mode & 0o7777;
      if (status.isDirectory()) {
        yield { type: 'directory', path, mode, owner: status.uid, changed: status.ctimeMs };
        yield* walkBelow({ descriptor, path, depth: folder.depth + 1 }, name, bounds, budget);
      } else if (status.isSymbolicLink()) {
        yield { type: 'link', path, text: readlinkSync(`${base}/${entry}`) };
      } else {
        requireFile(status, `${name}/${path}`, budget, () =>
          unsafe(name, `its files have more than ${bounds.bytes} bytes`),
        );
        yield {
          type: 'file',
          path,
          mode,
          owner: status.uid,
          content: () => contentOf(descriptor, status.size),
        };
      }
    } finally {
      closeSync(descriptor);
    }
    if (budget.entries % AT_ONCE === 0) await setImmediate();
  }
}

function namesIn(path: string, budget: Budget, tooMany: () => Error): readonly string[] {
  const names: string[] = [];
  const folder = opendirSync(path, { bufferSize: 256 });
  try {
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
      budget.entries -= 1;
      if (budget.entries < 0) throw tooMany();
      names.push(entry.name);
    }
  } finally {
    folder.closeSync();
  }
  return names.sort();
}

function openEntry(path: string, name: string): number {
  try {
    return openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    // Names of bytes that are no UTF-8 come here, too.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw unsafe(name, 'its name cannot be opened');
    throw error;
  }
}

function requireFile(status: Stats, name: string, budget: Budget, tooLarge: () => Error): void {
  if (!status.isFile()) throw unsafe(name, `it is ${typeName(status)}, not a file`);
  if (status.size > budget.bytes) throw tooLarge();
  budget.bytes -= status.size;
}

/** The bytes that the file had when it was looked at: what grows meanwhile does not. */
function* contentOf(place: number, size: number): Generator<Buffer> {
  // Of a kernel's headers, two files of three are empty: those of include/config.
  if (size === 0) return;
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  const descriptor = openSync(handlePath(place), flags);
  try {
    const buffer = Buffer.allocUnsafe(Math.min(size, CHUNK_BYTES));
    for (let left = size; left > 0; ) {
      const length = readSync(descriptor, buffer, 0, Math.min(left, buffer.length), null);
      if (length === 0) return;
      left -= length;
      yield buffer.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}
