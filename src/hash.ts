import { createHash } from 'node:crypto';

/** SHA-256 of a content in memory, in hex; of a file it is `Target.hash`. */
export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}
