import { createHash } from 'node:crypto';
import { cksum } from './cksum.ts';

/*
 * The hashes by which a bundle knows that it is whole. They are of the whole file, head and payload, but for the line that
 * holds them, which cannot be in itself. Each is of all but its own line and those after it: the sum of cksum, which shows
 * accidents where a guest has no hash, the SHA-1, for guests that have nothing better, and the SHA-256. `sh/self.sh` takes
 * the lines out with sed.
 */

const OF_SHA256 = /^SELF_SHA256=[^\n]*\n/gm;
const OF_BOTH = /^SELF_SHA(?:1|256)=[^\n]*\n/gm;
const OF_ALL = /^SELF_(?:CKSUM|SHA1|SHA256)=[^\n]*\n/gm;

export interface Hashes {
  /** Ten digits: the file's length must not hang on it. */
  readonly cksum: string;
  readonly sha1: string;
  readonly sha256: string;
}

/** `head` in latin1, so that a byte is a character. */
export function wholeHashes(head: string, payload: Uint8Array): Hashes {
  return {
    cksum: String(cksum(Buffer.from(head.replace(OF_ALL, ''), 'latin1'), payload)).padStart(10, '0'),
    sha1: hash('sha1', head.replace(OF_BOTH, ''), payload),
    sha256: hash('sha256', head.replace(OF_SHA256, ''), payload),
  };
}

function hash(algorithm: 'sha1' | 'sha256', head: string, payload: Uint8Array): string {
  return createHash(algorithm).update(head, 'latin1').update(payload).digest('hex');
}
