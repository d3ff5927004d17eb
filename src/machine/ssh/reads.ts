import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { isFailure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { isCode, unsafe } from '../file-errors.ts';
import type { FileStat, TargetReads } from '../port.ts';
import { guestError } from './errno.ts';
import type { Answer } from './frames.ts';
import { knownFolders } from './known-folders.ts';
import { type Listed, linkTextOf, namesTold, parseListing } from './listing.ts';
import type { Memory } from './memory.ts';
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
import { walkThere } from './walk.ts';

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
export function hostReads(memory: Memory): HostReads {
  const ask = (script: string, path: string): Promise<Answer> =>
    memory.recall(script, script, { ...TEXT, about: path });

  const folders = knownFolders(memory);
  const listed = async (
    path: string,
    links: 'follow' | 'tell',
  ): Promise<Pick<Listed, 'status'> | undefined> => {
    const told = await folders.entry(path);
    if (told === 'missing') return undefined;
    if (told !== undefined && (links === 'tell' || told.status.type !== 'link')) return told;
    const { status, stdout, stderr } = await ask(listing(path, links), path);
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

  const whole = async (path: string, limit: number): Promise<Answer> => {
    const name = nameOfWhole(path);
    const known = await memory.known(name);
    // It was refused as larger than somebody else reads of it.
    if (known !== undefined && known.status !== REFUSED.tooLarge && known.stdout.length <= limit)
      return known;
    if ((await folders.entry(path)) === 'missing') return MISSING;
    const limits = { bytes: limit, timeoutMs: ANSWER_MS, about: path };
    const script = wholeFile(path, limit);
    return known === undefined ? memory.recall(name, script, limits) : memory.ask(script, limits);
  };
  const read = async (path: string, limit: number): Promise<Buffer> => {
    const answer = await whole(path, limit);
    if (answer.tooMuch) throw tooLarge(path, limit);
    return refused(path, answer, limit).stdout;
  };

  const range = async (path: string, offset: number, length: number): Promise<Buffer> => {
    if (length === 0) return Buffer.alloc(0);
    const known = await memory.known(nameOfWhole(path));
    if (known?.status === 0 && !known.tooMuch) return known.stdout.subarray(offset, offset + length);
    const skip = Math.floor(offset / BLOCK_BYTES);
    const before = offset - skip * BLOCK_BYTES;
    const count = Math.ceil((before + length) / BLOCK_BYTES);
    const limits = { bytes: count * BLOCK_BYTES, timeoutMs: ANSWER_MS, about: path };
    const answer = await memory.ask(blocks(path, { skip, count }), limits);
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
    const known = await folders.entry(path);
    if (known === 'missing') return undefined;
    if (known !== undefined) return known.text;
    const answer = await ask(linkText(path), path);
    const text = answer.stdout.toString('utf8').replace(/\n$/, '');
    if (answer.status === 0) return text;
    if (answer.status !== REFUSED.byListing) return undefined;
    const listed = parseListing(answer.stdout.toString('latin1'), Date.now());
    const told = listed === undefined ? undefined : linkTextOf(listed, path);
    if (told === undefined) throw new Error(`${path} is a link, and the guest’s ls does not tell its text`);
    return told;
  };

  const realPath = async (path: string, links = MAX_LINKS): Promise<string> => {
    const plain = posix.isAbsolute(path) ? path.replace(/(?<=.)\/+$/, '') : `/${path}`;
    const folder = await ask(realFolder(plain), plain);
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
    const known = await folders.names(path);
    if (known !== undefined) return known;
    const script = folderNames(path);
    const limits = { bytes: LIMITS.folderEntries * 256, timeoutMs: ANSWER_MS, about: path };
    const answer = await memory.recall(script, script, limits);
    if (answer.tooMuch) throw unsafe(path, `the folder has more than ${LIMITS.folderEntries} names`);
    if (answer.status !== 0) {
      const error = explained(path, answer.stderr);
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return [];
      throw error;
    }
    const all: string[] = [];
    for (const name of namesTold(answer.stdout)) {
      // A pattern that fits nothing stands for itself.
      const isPattern = name === '*' || name === '.*';
      if (isPattern && (await status(`${path}/${name}`, 'tell')) === undefined) continue;
      all.push(name);
    }
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
    foresee: ({ texts = [], names = [], statuses = [], places = [] }) => {
      const coming: readonly Promise<unknown>[] = [
        // Not by `whole`, which waits for what the folder says.
        ...texts.map(({ path, limit }) => {
          const limits = { bytes: limit, timeoutMs: ANSWER_MS, about: path };
          return memory.recall(nameOfWhole(path), wholeFile(path, limit), limits);
        }),
        ...names.map((path) => folders.ask(path)),
        ...statuses.flatMap((path) => [status(path, 'follow'), status(path, 'tell')]),
        // Only its first question: where there is no such folder nobody waits for the rest.
        ...places.map((path) => ask(realFolder(path), path)),
      ];
      // Whoever asks for it is told.
      for (const one of coming) one.catch(() => {});
    },
    walk: (path, bounds) =>
      walkThere(memory, { list, lstat: (one) => status(one, 'tell'), readLink, read }, path, bounds),
    writable: async (path) => {
      const { stdout } = await ask(mayWrite(path), path);
      const answer = stdout.toString('utf8').trim();
      return answer === 'yes' || answer === 'read-only' || answer === 'missing' ? answer : 'denied';
    },
    isLocked: async (path) => {
      const { status: found, stdout } = await memory.ask(heldLocks(path), TEXT);
      if (found !== 0) return false;
      const [first = '', ...locks] = stdout.toString('utf8').split('\n');
      const inode = /^\s*(\d+) /.exec(first)?.[1];
      return locks.some((line) => line.includes('FLOCK') && line.includes(`:${inode} `));
    },
    freeSpace: async (path) => {
      let folder = path;
      while (folder !== '/' && (await status(folder, 'follow')) === undefined) folder = posix.dirname(folder);
      const { stdout, stderr } = await memory.ask(freeKilobytes(folder), TEXT);
      const kilobytes = / (\d+) +\d+% /.exec(stdout.toString('utf8').split('\n').slice(1).join(' '))?.[1];
      if (kilobytes === undefined) throw guestError(folder, stderr);
      return Number(kilobytes) * 1024;
    },
  };
}

/** What a guest's tools say of a file that is not there. */
const MISSING: Answer = {
  status: 1,
  stdout: Buffer.alloc(0),
  stderr: 'No such file or directory',
  tooMuch: false,
};

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

/** By this name a whole file is remembered, whatever its reader takes at most. */
function nameOfWhole(path: string): string {
  return `whole ${path}`;
}
