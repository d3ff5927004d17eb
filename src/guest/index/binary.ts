/** A binary module index, such as modules.dep.bin: each key with its values, in the order of the file. */
export interface BinaryIndex {
  /** 0: before versions were counted (module-init-tools 3.5). 1: 3.6. 2: 3.7 and later, and kmod. */
  readonly major: number;
  readonly values: ReadonlyMap<string, readonly string[]>;
}

const MAGIC = 0xb007f457;
const MAGIC_WITHOUT_VERSION = 0xb007fa57;

/** What of a node is there, in the high bits of its place in the file. */
const HAS = { prefix: 0x80000000, values: 0x40000000, children: 0x20000000 } as const;
const PLACE = 0x0fffffff;

/** More than any kernel's index has: what leads in a circle would never end. */
const MAX = { nodes: 2_000_000, text: 16_384 } as const;

/**
 * Reads a binary index whole: a tree of letters, with numbers in network order. Up to major 1 a node that ends a text
 * is a whole entry, the key and its value with a blank between; from 2 on each node lists its values, each after a
 * priority. Source: index.h of module-init-tools 3.5, 3.6 and 3.12, libkmod-index.c of kmod.
 * Undefined for what is no such index, is cut short, or leads in a circle.
 */
export function readBinaryIndex(bytes: Buffer): BinaryIndex | undefined {
  try {
    const magic = bytes.readUInt32BE(0);
    if (magic !== MAGIC && magic !== MAGIC_WITHOUT_VERSION) return undefined;
    const isCounted = magic === MAGIC;
    const major = isCounted ? bytes.readUInt16BE(4) : 0;
    if (major > 2) return undefined;
    const values = new Map<string, string[]>();
    for (const [key, value] of entries(bytes, bytes.readUInt32BE(isCounted ? 8 : 4), major)) {
      const known = values.get(key);
      if (known === undefined) values.set(key, [value]);
      else known.push(value);
    }
    return { major, values };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function* entries(bytes: Buffer, root: number, major: number): Iterable<readonly [string, string]> {
  const open = [{ node: root, text: '' }];
  let nodes = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node } = next;
    let { text } = next;
    let at = node & PLACE;
    if (at === 0) continue;
    nodes += 1;
    if ((node & HAS.prefix) !== 0) {
      const prefix = textAt(bytes, at);
      at += prefix.length + 1;
      text += prefix;
    }
    if (nodes > MAX.nodes || text.length > MAX.text) throw new RangeError('it has no end');
    if ((node & HAS.children) !== 0) {
      const [first, last] = [bytes.readUInt8(at), bytes.readUInt8(at + 1)];
      at += 2;
      for (let letter = first; letter <= last; letter += 1, at += 4)
        open.push({ node: bytes.readUInt32BE(at), text: text + String.fromCharCode(letter) });
    }
    if ((node & HAS.values) === 0) continue;
    if (major < 2) {
      const blank = text.indexOf(' ');
      yield blank < 0 ? [text, ''] : [text.slice(0, blank), text.slice(blank + 1)];
      continue;
    }
    let left = bytes.readUInt32BE(at);
    at += 4;
    for (; left > 0; left -= 1) {
      const value = textAt(bytes, at + 4);
      at += 4 + value.length + 1;
      yield [text, value];
    }
  }
}

function textAt(bytes: Buffer, start: number): string {
  const end = start > bytes.length ? -1 : bytes.indexOf(0, start);
  if (end < 0) throw new RangeError('a text has no end');
  return bytes.toString('latin1', start, end);
}
