import { LIMITS } from '../../limits.ts';
import { unsafe } from '../file-errors.ts';
import type { FileStat, TargetReads, WalkBounds, WalkedEntry } from '../port.ts';
import { parseFolder } from './listing.ts';
import type { Memory } from './memory.ts';
import { filesInRow, folderStates, NO_MORE } from './scripts.ts';

/*
 * All of a folder over a slow line: a level of folders is one round trip, whose questions are all sent at once, and so
 * are the files' contents, many in one answer.
 */

const ANSWER_MS = 120_000;
/** Files that one cat prints, and what they have together. */
const ROW = { files: 150, bytes: 2 * 1024 * 1024 } as const;
/** Answers that are on their way while one is used. */
const AHEAD = 4;

type Reads = Pick<TargetReads, 'list' | 'lstat' | 'readLink' | 'read'>;

interface Found {
  /** Below the folder where the walk began. */
  readonly path: string;
  readonly status: FileStat;
  /** Of a link. */
  readonly text?: string | undefined;
}

/** As `walk` of the port. */
export async function* walkThere(
  memory: Memory,
  reads: Reads,
  name: string,
  bounds: WalkBounds,
): AsyncGenerator<WalkedEntry> {
  const all = inOrder(await listAll(memory, reads, name, bounds));
  const contents = contentsOf(memory, reads, name, all);
  for (const { path, status, text } of all) {
    const { mode, uid: owner } = status;
    if (status.type === 'directory') yield { type: 'directory', path, mode, owner };
    else if (status.type === 'link') yield { type: 'link', path, text: text ?? '' };
    else {
      const content = (await contents.next()).value as Buffer;
      yield { type: 'file', path, mode, owner, content: () => [content] };
    }
  }
}

/** Every entry by its folder; level by level. */
async function listAll(
  memory: Memory,
  reads: Reads,
  name: string,
  bounds: WalkBounds,
): Promise<ReadonlyMap<string, readonly Found[]>> {
  const found = new Map<string, readonly Found[]>();
  const left = { entries: bounds.entries, bytes: bounds.bytes };
  let level: readonly string[] = [''];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > bounds.depth) throw unsafe(name, `its folders are more than ${bounds.depth} deep`);
    const listed = await Promise.all(level.map((folder) => entriesOf(memory, reads, name, folder)));
    for (const [index, entries] of listed.entries()) {
      for (const { path, status } of entries) count(name, path, status, left, bounds);
      found.set(level[index] ?? '', entries);
    }
    level = listed.flat().flatMap(({ path, status }) => (status.type === 'directory' ? [path] : []));
  }
  return found;
}

function count(
  name: string,
  path: string,
  { type, size }: FileStat,
  left: { entries: number; bytes: number },
  bounds: WalkBounds,
): void {
  if (type === 'other') throw unsafe(`${name}/${path}`, 'it is no file, folder or link');
  left.entries -= 1;
  if (left.entries < 0) throw unsafe(name, `it has more than ${bounds.entries} files and folders`);
  if (type !== 'file') return;
  left.bytes -= size;
  if (left.bytes < 0) throw unsafe(name, `its files have more than ${bounds.bytes} bytes`);
}

async function entriesOf(
  memory: Memory,
  reads: Reads,
  name: string,
  folder: string,
): Promise<readonly Found[]> {
  const there = folder === '' ? name : `${name}/${folder}`;
  const limits = { bytes: LIMITS.folderEntries * 256, timeoutMs: ANSWER_MS, about: there };
  const answer = await memory.ask(folderStates(there), limits);
  const entries =
    answer.status === 0 && !answer.tooMuch ? parseFolder(answer.stdout, NO_MORE, Date.now()) : undefined;
  const path = (one: string): string => (folder === '' ? one : `${folder}/${one}`);
  if (entries !== undefined) return entries.map((one) => ({ ...one, path: path(one.name) }));
  // A name that this ls shows in another way than it is: each is looked at alone.
  const names = await reads.list(there);
  return Promise.all(
    names.map(async (one) => {
      const status = await reads.lstat(`${there}/${one}`);
      if (status === undefined) throw unsafe(`${there}/${one}`, 'it went while it was looked at');
      const text = status.type === 'link' ? await reads.readLink(`${there}/${one}`) : undefined;
      return { path: path(one), status, text };
    }),
  );
}

/** Each folder before what is in it, by name. */
function inOrder(found: ReadonlyMap<string, readonly Found[]>): readonly Found[] {
  const all: Found[] = [];
  const below = (folder: string): void => {
    for (const one of (found.get(folder) ?? []).toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
      all.push(one);
      if (one.status.type === 'directory') below(one.path);
    }
  };
  below('');
  return all;
}

/** The files' contents in their order. */
async function* contentsOf(
  memory: Memory,
  reads: Reads,
  name: string,
  all: readonly Found[],
): AsyncGenerator<Buffer> {
  const rows = rowsOf(all.filter(({ status }) => status.type === 'file'));
  const coming: Promise<readonly Buffer[]>[] = [];
  for (let next = 0; next < rows.length || coming.length > 0; ) {
    while (next < rows.length && coming.length < AHEAD) {
      const row = contentsOfRow(memory, reads, name, rows[next] ?? []);
      // It is awaited below, but not where the caller stops early.
      row.catch(() => {});
      coming.push(row);
      next += 1;
    }
    yield* (await coming.shift()) ?? [];
  }
}

function rowsOf(files: readonly Found[]): readonly (readonly Found[])[] {
  const rows: Found[][] = [];
  let bytes = 0;
  for (const file of files) {
    const last = rows.at(-1);
    const fits = last !== undefined && last.length < ROW.files && bytes + file.status.size <= ROW.bytes;
    if (fits) last.push(file);
    else rows.push([file]);
    bytes = (fits ? bytes : 0) + file.status.size;
  }
  return rows;
}

async function contentsOfRow(
  memory: Memory,
  reads: Reads,
  name: string,
  row: readonly Found[],
): Promise<readonly Buffer[]> {
  const bytes = row.reduce((sum, { status }) => sum + status.size, 0);
  const script = filesInRow(
    name,
    row.map(({ path }) => path),
  );
  const limits = { bytes: bytes + ROW.bytes, timeoutMs: ANSWER_MS, about: `${name}/${row[0]?.path ?? ''}` };
  const answer = await memory.ask(script, limits);
  if (answer.status === 0 && !answer.tooMuch && answer.stdout.length === bytes) {
    const parts: Buffer[] = [];
    let at = 0;
    for (const { status } of row) {
      parts.push(answer.stdout.subarray(at, at + status.size));
      at += status.size;
    }
    return parts;
  }
  // One of them cannot be read, or changes meanwhile: each alone shows which.
  return Promise.all(row.map(({ path, status }) => reads.read(`${name}/${path}`, status.size)));
}
