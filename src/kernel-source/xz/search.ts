import { orderCheck, placeOf } from '../entry-order.ts';
import { decodeBlock, type XzFile } from './blocks.ts';
import { entryScanner, type FoundEntry } from './entry-scanner.ts';

/** So much of a block, in packed bytes, is searched for an entry: some 4 MB of a kernel's source. */
const PROBE_BYTES = 512 * 1024;
/** In so many blocks there may be no entry (a large file fills them) before the search is given up. */
const MAX_BARREN = 12;

/** Among so many blocks at the end the last entry is looked for. */
const TAIL = 8;

export interface FoundIn {
  readonly block: number;
  readonly entry: FoundEntry;
}

/** Where to read for a goal: from this entry on, and no further than to the end of the block `last`. */
export interface Stretch extends FoundIn {
  readonly last: number;
}

export interface BlockSearch {
  /** The folder that all entries are in, with its slash; undefined where they are not all in one. */
  top(): Promise<string | undefined>;
  /** An entry near the archive's end that is in the folder of all; undefined where none is found. */
  last(): Promise<FoundIn | undefined>;
  /**
   * Where the goal (as placeOf takes it) begins; undefined where that is not clear. The search starts at the `guess`, from
   * 0 at the archive's start to 1 at its end, continues in steps that double, and then bisects.
   */
  find(goal: string, guess: number): Promise<Stretch | undefined>;
  /** Whether all entries seen so far are sorted. */
  sorted(): Promise<boolean>;
}

/** Reads the names of entries in blocks; each block is read once, however many goals there are. */
export function blockSearch(file: XzFile): BlockSearch {
  const { blocks } = file.layout;
  const probes = new Map<number, Promise<FoundEntry | undefined>>();
  let barren = 0;

  const look = async (index: number): Promise<FoundEntry | undefined> => {
    const block = blocks[index];
    if (block === undefined) return undefined;
    let folder = index === 0 ? undefined : await top();
    const scanner = entryScanner(block.contentOffset, (name) => {
      folder ??= topOf(name);
      return folder !== undefined && name.startsWith(folder);
    });
    let found: FoundEntry | undefined;
    const take = (chunk: Buffer): boolean => {
      found = scanner.write(chunk);
      return found === undefined;
    };
    // A damaged block counts as empty: the reader that needs it reports the damage.
    await decodeBlock(file, block, take, PROBE_BYTES);
    found ??= scanner.end();
    if (found === undefined) barren += 1;
    return found;
  };
  const probe = (index: number): Promise<FoundEntry | undefined> => {
    const known = probes.get(index) ?? look(index);
    probes.set(index, known);
    return known;
  };
  const top = async (): Promise<string | undefined> => {
    const first = await probe(0);
    return first?.offset === 0 ? topOf(first.name) : undefined;
  };

  const last = async (): Promise<FoundIn | undefined> => {
    const before = barren;
    let found: FoundIn | undefined;
    for (let block = blocks.length - 1; found === undefined && block >= blocks.length - TAIL; block -= 1) {
      const entry = await probe(block);
      if (entry !== undefined) found = { block, entry };
    }
    // What fills these blocks up (tar's own zeros) says nothing of the others.
    barren = before;
    return found;
  };

  const find = async (goal: string, guess: number): Promise<Stretch | undefined> => {
    const first = await probe(0);
    if (first === undefined || placeOf(first.name, goal) !== 'before') return undefined;
    let start = { block: 0, entry: first };
    let last = blocks.length - 1;
    // The goal begins after the entry `start` and before an entry of the block `high`, or is not in the archive. A block
    // without an entry decides nothing: first the blocks below it are searched, and those above are kept for later.
    let low = 0;
    let high = blocks.length;
    let aside: readonly number[] = [];
    let step = 0;
    const nextBlock = (): number => {
      if (barren > 0 || (low > 0 && high < blocks.length)) return (low + high) >> 1;
      const from = step === 0 ? Math.round(guess * blocks.length) : low === 0 ? high - step : low + step;
      step = Math.max(1, step * 2);
      return Math.min(Math.max(from, low + 1), high - 1);
    };
    while (high - low > 1 || aside.length > 0) {
      if (high - low <= 1) {
        // Nothing below: reading would start at `start` anyway, so nothing can be missed.
        low = high;
        high = aside.at(-1) ?? high;
        aside = aside.slice(0, -1);
        continue;
      }
      const middle = nextBlock();
      const entry = await probe(middle);
      if (barren > MAX_BARREN) return undefined;
      if (entry === undefined) {
        aside = [...aside, high];
        high = middle;
        continue;
      }
      const place = placeOf(entry.name, goal);
      if (place === undefined) return undefined;
      if (place === 'before') {
        start = { block: middle, entry };
        low = middle;
      } else {
        high = middle;
        aside = [];
        if (place === 'after') last = Math.min(last, middle);
      }
    }
    return { ...start, last };
  };

  const sorted = async (): Promise<boolean> => {
    const order = orderCheck();
    for (const [, entry] of [...probes].sort(([left], [right]) => left - right)) {
      const name = (await entry)?.name;
      if (name !== undefined) order.add(name);
    }
    return order.sorted();
  };
  return { top, last, find, sorted };
}

/** The folder at the top of an entry's name, with its slash: `linux-source-6.1/`. */
function topOf(name: string): string | undefined {
  return /^(?!\.{1,2}\/)[^/]+\//.exec(name)?.[0];
}
