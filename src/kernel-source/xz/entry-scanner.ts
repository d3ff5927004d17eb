import { Header, Parser, type ReadEntry } from 'tar';
import { LIMITS } from '../../limits.ts';
import { isTar, TAR_UNIT as UNIT } from '../archive.ts';

export interface FoundEntry {
  readonly name: string;
  /** Of its header, or of the pax or GNU header that names it, in bytes from the start of the block. */
  readonly offset: number;
}

export interface EntryScanner {
  /** The entry, as soon as it is certain. */
  write(chunk: Buffer): FoundEntry | undefined;
  /** At the end of the data: also an entry that nothing has refuted. */
  end(): FoundEntry | undefined;
}

/**
 * Looks for an entry of a tar in a piece from its middle, which starts `contentOffset` bytes into the tar; not
 * necessarily the piece's first. A file's content may look like a header, so a header counts only where its checksum is
 * right, `accept` takes its name, and the next entry begins where this one ends and is accepted too.
 */
export function entryScanner(contentOffset: number, accept: (name: string) => boolean): EntryScanner {
  let rest: Buffer = Buffer.alloc(0);
  let restOffset = 0;
  let candidate: Candidate | undefined;
  let tries = 0;

  /** Tries each unit of `rest` in turn; what is left after is less than a unit, or was given to the candidate. */
  const seek = (): FoundEntry | undefined => {
    let at = (UNIT - ((contentOffset + restOffset) % UNIT)) % UNIT;
    for (; at + UNIT <= rest.length && tries <= LIMITS.archiveCandidates; at += UNIT) {
      if (!isTar(rest, at) || !new Header(rest, at).cksumValid) continue;
      tries += 1;
      const tried = candidateAt(restOffset + at, accept);
      const state = tried.write(rest.subarray(at));
      if (state === 'confirmed') return tried.found();
      if (state === 'refuted') continue;
      candidate = tried;
      at = rest.length;
      break;
    }
    const used = Math.min(at, rest.length);
    restOffset += used;
    rest = rest.subarray(used);
    return undefined;
  };

  return {
    write: (chunk) => {
      if (tries > LIMITS.archiveCandidates) return undefined;
      if (candidate === undefined) {
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        return seek();
      }
      const state = candidate.write(chunk);
      restOffset += chunk.length;
      if (state === 'confirmed') return candidate.found();
      // What it consumed is not read again: any later entry will do.
      if (state === 'refuted') candidate = undefined;
      return undefined;
    },
    end: () => candidate?.found(),
  };
}

interface Candidate {
  write(chunk: Buffer): 'open' | 'confirmed' | 'refuted';
  found(): FoundEntry | undefined;
}

/** Follows the chain of entries from one header on, with the parser that also resolves pax and GNU long names. */
function candidateAt(offset: number, accept: (name: string) => boolean): Candidate {
  const names: string[] = [];
  let refuted = false;
  let ended = false;
  const take = (entry: ReadEntry): void => {
    names.push(entry.path);
    if (names.length <= 2 && !accept(entry.path)) refuted = true;
    entry.resume();
  };
  const parser = new Parser({ strict: true, brotli: false, zstd: false, onReadEntry: take });
  parser.on('error', () => {
    // After the second entry the chain is trusted: later readers report damage after it.
    if (names.length < 2) refuted = true;
  });
  parser.on('eof', () => {
    ended = true;
  });
  return {
    write: (chunk) => {
      parser.write(chunk);
      if (refuted) return 'refuted';
      return names.length > 1 || (ended && names.length > 0) ? 'confirmed' : 'open';
    },
    found: () => (refuted || names[0] === undefined ? undefined : { name: names[0], offset }),
  };
}
