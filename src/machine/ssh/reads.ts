import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { isFailure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { isCode, unsafe } from '../file-errors.ts';
import type { FileStat, TargetReads, WalkBounds, WalkedEntry } from '../port.ts';
import type { Connection } from './connection.ts';
import { guestError } from './errno.ts';
import type { Answer } from './frames.ts';
import { type Listed, parseListing } from './listing.ts';
import {
  BLOCK_BYTES,
  blocks,
  folderNames,
  freeKilobytes,
  heldLocks,
  linkText,
  listing,
  mayWrite,
  REFUSED,
  realFolder,
  wholeFile,
} from './scripts.ts';
import type { Limits } from './session.ts';

/** A guest's disk that answers BUSY may take a minute; one that takes longer does not answer. */
const ANSWER_MS = 120_000;
/** So much of a large file comes in one answer. */
const PIECE_BYTES = 4 * 1024 * 1024;
/** Links in a row that the kernel follows: MAXSYMLINKS. */
const MAX_LINKS = 40;
const TEXT: Limits = { bytes: 1024 * 1024, timeoutMs: ANSWER_MS };

export type HostReads = Omit<
  TargetReads,
  'requireUnused' | 'toolRoot' | 'run' | 'findProgram' | 'findInside' | 'lock' | 'openStream'
>;

/** The reads of a guest over ssh: each by the guest's own sh, as the login's user. */
export function hostReads(connection: () => Promise<Connection>): HostReads {
  const ask = async (script: string, limits: Limits = TEXT): Promise<Answer> =>
    (await connection()).ask(script, limits);

  const listed = async (path: string, links: 'follow' | 'tell'): Promise<Listed | undefined> => {
    const { status, stdout, stderr } = await ask(listing(path, links));
    if (status === 0) {
      const found = parseListing(stdout.toString('utf8'), Date.now());
      if (found !== undefined) return found;
      throw new Error(`${path} cannot be looked at: the guest’s ls has a form that mptfix does not know`);
    }
    const error = explained(path, stderr);
    if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  };
  const status = async (path: string, links: 'follow' | 'tell'): Promise<FileStat | undefined> =>
    (await listed(path, links))?.status;

  const read = async (path: string, limit: number): Promise<Buffer> => {
    const answer = await ask(wholeFile(path, limit), { bytes: limit, timeoutMs: ANSWER_MS });
    if (answer.tooMuch) throw tooLarge(path, limit);
    return refused(path, answer, limit).stdout;
  };

  const range = async (path: string, offset: number, length: number): Promise<Buffer> => {
    if (length === 0) return Buffer.alloc(0);
    const skip = Math.floor(offset / BLOCK_BYTES);
    const before = offset - skip * BLOCK_BYTES;
    const count = Math.ceil((before + length) / BLOCK_BYTES);
    const answer = await ask(blocks(path, { skip, count }), {
      bytes: count * BLOCK_BYTES,
      timeoutMs: ANSWER_MS,
    });
    return refused(path, answer, length).stdout.subarray(before, before + length);
  };

  async function* chunks(path: string, limit: number, start = 0): AsyncGenerator<Buffer> {
    for (let at = start; ; ) {
      const piece = await range(path, at, PIECE_BYTES);
      at += piece.length;
      if (at > limit) throw tooLarge(path, limit);
      if (piece.length > 0) yield piece;
      if (piece.length < PIECE_BYTES) return;
    }
  }

  const readLink = async (path: string): Promise<string | undefined> => {
    const answer = await ask(linkText(path));
    const text = answer.stdout.toString('utf8').replace(/\n$/, '');
    if (answer.status === 0) return text;
    if (answer.status !== REFUSED.byListing) return undefined;
    const rest = parseListing(answer.stdout.toString('utf8'), Date.now())?.rest.replace(/\n$/, '');
    const prefix = `${path} -> `;
    return rest?.startsWith(prefix) === true ? rest.slice(prefix.length) : undefined;
  };

  const realPath = async (path: string, links = MAX_LINKS): Promise<string> => {
    const plain = posix.isAbsolute(path) ? path.replace(/(?<=.)\/+$/, '') : `/${path}`;
    const folder = await ask(realFolder(plain));
    if (folder.status === 0) return folder.stdout.toString('utf8').replace(/\n$/, '');
    const text = await readLink(plain);
    if (text !== undefined) {
      if (links === 0) throw unsafe(path, 'its links lead in a circle');
      // Not by `resolve`: only the guest's kernel knows what .. behind a link is.
      return realPath(posix.isAbsolute(text) ? text : `${posix.dirname(plain)}/${text}`, links - 1);
    }
    const parent = await realPath(posix.dirname(plain), links);
    return posix.join(parent, posix.basename(plain));
  };

  const list = async (path: string): Promise<readonly string[]> => {
    const answer = await ask(folderNames(path), { bytes: LIMITS.folderEntries * 256, timeoutMs: ANSWER_MS });
    if (answer.tooMuch) throw unsafe(path, `the folder has more than ${LIMITS.folderEntries} names`);
    if (answer.status !== 0) {
      const error = explained(path, answer.stderr);
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return [];
      throw error;
    }
    const names = answer.stdout.toString('utf8').split('/\n').slice(0, -1);
    const real = names.filter((name) => name !== '.' && name !== '..' && name !== '.*');
    // A pattern that fits nothing stands for itself.
    const isEmpty = real.length === 1 && real[0] === '*' && (await status(`${path}/*`, 'tell')) === undefined;
    const dotted = names.includes('.*') && (await status(`${path}/.*`, 'tell')) !== undefined ? ['.*'] : [];
    const all = [...(isEmpty ? [] : real), ...dotted];
    if (all.length > LIMITS.folderEntries)
      throw unsafe(path, `the folder has more than ${LIMITS.folderEntries} names`);
    return all.sort();
  };

  return {
    realPath: (path) => realPath(path),
    hostPath: (path) => realPath(path),
    read,
    readRange: range,
    readChunks: chunks,
    readText: async (path, limit) => {
      try {
        return (await read(path, limit)).toString('utf8');
      } catch (error) {
        if (isFailure(error)) throw error;
        return undefined;
      }
    },
    readLink,
    hash: async (path, limit) => {
      const digest = createHash('sha256');
      for await (const piece of chunks(path, limit)) digest.update(piece);
      return digest.digest('hex');
    },
    stat: (path) => status(path, 'follow'),
    lstat: (path) => status(path, 'tell'),
    list,
    walk: (path, bounds) => walk({ list, lstat: (one) => status(one, 'tell'), readLink, read }, path, bounds),
    writable: async (path) => {
      const { stdout } = await ask(mayWrite(path));
      const answer = stdout.toString('utf8').trim();
      return answer === 'yes' || answer === 'read-only' || answer === 'missing' ? answer : 'denied';
    },
    isLocked: async (path) => {
      const { status: found, stdout } = await ask(heldLocks(path));
      if (found !== 0) return false;
      const [first = '', ...locks] = stdout.toString('utf8').split('\n');
      const inode = /^\s*(\d+) /.exec(first)?.[1];
      return locks.some((line) => line.includes('FLOCK') && line.includes(`:${inode} `));
    },
    freeSpace: async (path) => {
      let folder = path;
      while (folder !== '/' && (await status(folder, 'follow')) === undefined) folder = posix.dirname(folder);
      const { stdout, stderr } = await ask(freeKilobytes(folder));
      const kilobytes = / (\d+) +\d+% /.exec(stdout.toString('utf8').split('\n').slice(1).join(' '))?.[1];
      if (kilobytes === undefined) throw guestError(folder, stderr);
      return Number(kilobytes) * 1024;
    },
  };
}

function explained(path: string, stderr: string): Error {
  const error = guestError(path, stderr);
  return isCode(error, 'ELOOP') ? unsafe(path, 'its links lead in a circle') : error;
}

/** The answer, where the script read the file. */
function refused(path: string, answer: Answer, limit: number): Answer {
  if (answer.status === 0) return answer;
  if (answer.status === REFUSED.notFile) throw unsafe(path, 'it is not a file');
  if (answer.status === REFUSED.tooLarge) throw tooLarge(path, limit);
  throw explained(path, answer.stderr);
}

function tooLarge(path: string, limit: number): Error {
  return unsafe(path, `it has more than the ${limit} bytes that mptfix reads of such a file`);
}

type WalkReads = Pick<HostReads, 'list' | 'lstat' | 'readLink' | 'read'>;

async function* walk(reads: WalkReads, name: string, bounds: WalkBounds): AsyncGenerator<WalkedEntry> {
  const left = { ...bounds };
  async function* below(folder: string, depth: number): AsyncGenerator<WalkedEntry> {
    if (depth > bounds.depth) throw unsafe(name, `its folders are more than ${bounds.depth} deep`);
    for (const entry of await reads.list(`${name}/${folder}`)) {
      left.entries -= 1;
      if (left.entries < 0) throw unsafe(name, `it has more than ${bounds.entries} files and folders`);
      const path = folder === '' ? entry : `${folder}/${entry}`;
      const found = await reads.lstat(`${name}/${path}`);
      if (found?.type === 'directory') {
        yield { type: 'directory', path, mode: found.mode };
        yield* below(path, depth + 1);
      } else if (found?.type === 'link') {
        yield { type: 'link', path, text: (await reads.readLink(`${name}/${path}`)) ?? '' };
      } else if (found?.type === 'file') {
        if (found.size > left.bytes) throw unsafe(name, `its files have more than ${bounds.bytes} bytes`);
        left.bytes -= found.size;
        const content = await reads.read(`${name}/${path}`, found.size);
        yield { type: 'file', path, mode: found.mode, content: () => [content] };
      } else throw unsafe(`${name}/${path}`, 'it is no file, folder or link');
    }
  }
  yield* below('', 0);
}
