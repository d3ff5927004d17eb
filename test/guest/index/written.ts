/** One module of an index: its file below the kernel's folder, and those that it needs. */
export interface Entry {
  readonly file: string;
  readonly needs: readonly string[];
}

/** modules.dep as a depmod writes it: with whole paths or with those below the folder, and as modutils wraps it. */
export function writtenText(
  entries: readonly Entry[],
  { prefix = '', wraps = false }: { readonly prefix?: string; readonly wraps?: boolean } = {},
): string {
  const line = ({ file, needs }: Entry): string => {
    const names = needs.map((name) => `${prefix}${name}`);
    if (!wraps) return `${[`${prefix}${file}:`, ...names].join(' ')}\n`;
    return `${prefix}${file}:${names.length === 0 ? '' : `\t${names.join(' \\\n\t')}`}\n\n`;
  };
  return entries.map(line).join('');
}

interface Node {
  readonly children: Map<number, Node>;
  readonly values: string[];
}

const FLAGS = { prefix: 0x80000000, values: 0x40000000, children: 0x20000000 };

/** modules.dep.bin of a major version, as index.c writes it: children before their parents, numbers in network order. */
export function writtenBinary(major: 0 | 1 | 2, entries: readonly Entry[], prefix = ''): Buffer {
  const root: Node = { children: new Map(), values: [] };
  for (const entry of entries) {
    const name = (entry.file.split('/').at(-1)?.split('.')[0] ?? '').replaceAll('-', '_');
    const line = writtenText([entry], { prefix }).trimEnd();
    insert(root, major < 2 ? `${name} ${line}` : name, line);
  }
  const header = major === 0 ? [0xb007fa57] : [0xb007f457, major * 65536 + 1];
  const chunks: Buffer[] = [longs(...header, 0)];
  let length = chunks[0]?.length ?? 0;
  const put = (buffer: Buffer): number => {
    chunks.push(buffer);
    length += buffer.length;
    return length - buffer.length;
  };
  const write = (node: Node, prefix: string): number => {
    const letters = [...node.children.keys()].sort((a, b) => a - b);
    const [only] = letters;
    // A node with one child and nothing of its own is part of that child.
    if (only !== undefined && letters.length === 1 && node.values.length === 0)
      return write(node.children.get(only) as Node, prefix + String.fromCharCode(only));
    const parts: Buffer[] = [];
    let flags = 0;
    if (prefix !== '') {
      flags += FLAGS.prefix;
      parts.push(Buffer.from(`${prefix}\0`, 'latin1'));
    }
    if (letters.length > 0) {
      flags += FLAGS.children;
      const [first = 0, last = 0] = [letters[0], letters.at(-1)];
      const places = Array.from({ length: last - first + 1 }, (_, index) => {
        const child = node.children.get(first + index);
        return child === undefined ? 0 : write(child, '');
      });
      parts.push(Buffer.from([first, last]), longs(...places));
    }
    if (node.values.length > 0) {
      flags += FLAGS.values;
      if (major === 2)
        parts.push(
          longs(node.values.length),
          ...node.values.flatMap((value) => [longs(7), Buffer.from(`${value}\0`, 'latin1')]),
        );
    }
    return put(Buffer.concat(parts)) + flags;
  };
  const place = write(root, '');
  const whole = Buffer.concat(chunks);
  whole.writeUInt32BE(place >>> 0, header.length * 4);
  return whole;
}

function insert(root: Node, key: string, value: string): void {
  let node = root;
  for (const letter of Buffer.from(key, 'latin1')) {
    const next = node.children.get(letter) ?? { children: new Map(), values: [] };
    node.children.set(letter, next);
    node = next;
  }
  node.values.push(value);
}

function longs(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) buffer.writeUInt32BE(value >>> 0, index * 4);
  return buffer;
}
