import { createHash } from 'node:crypto';

/*
 * The hashes by which a bundle knows that it is whole. They are of the whole file, head and payload, but for the line that
 * holds them, which cannot be in itself: the SHA-1, for guests that have nothing better, of all but both lines, and the
 * SHA-256 of all but its own. `sh/self.sh` takes the lines out with sed.
 */

const OF_SHA256 = /^SELF_SHA256=[^\n]*\n/gm;
const OF_BOTH = /^SELF_SHA(?:1|256)=[^\n]*\n/gm;

export interface Hashes {
  readonly sha1: string;
  readonly sha256: string;
}

/** `head` in latin1, so that a byte is a character. */
export function wholeHashes(head: string, payload: Uint8Array): Hashes {
  return {
    sha1: hash('sha1', head.replace(OF_BOTH, ''), payload),
    sha256: hash('sha256', head.replace(OF_SHA256, ''), payload),
  };
}

function hash(algorithm: 'sha1' | 'sha256', head: string, payload: Uint8Array): string {
  return createHash(algorithm).update(head, 'latin1').update(payload).digest('hex');
}
