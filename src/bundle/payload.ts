import { Header } from 'tar';

/** As tar(5) and dd have it: with parts of this size an old dd finds the payload quickly. */
export const BLOCK = 512;

/** What the payload holds, in this order. */
const NAMES = ['module', 'kernel.json', 'artifact.json', 'statement.json'] as const;
export type Payload = Readonly<Record<(typeof NAMES)[number], Uint8Array>>;

/** A tar archive without times, owners and whatever else differs between two runs. */
export function writePayload(files: Payload): Buffer {
  const parts = NAMES.flatMap((path) => {
    const content = files[path];
    const head = Buffer.alloc(BLOCK);
    new Header({
      path,
      size: content.length,
      mode: 0o600,
      uid: 0,
      gid: 0,
      mtime: new Date(0),
      type: 'File',
    }).encode(head);
    return [head, content, Buffer.alloc(padding(content.length))];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/**
 * The files of a payload; undefined where it is not, to the byte, what `writePayload` makes of them: no other entry, no
 * link, no other name, nothing in the padding or behind the end.
 */
export function readPayload(bytes: Buffer): Payload | undefined {
  const files: Partial<Record<keyof Payload, Uint8Array>> = {};
  let at = 0;
  for (const name of NAMES) {
    const head = bytes.subarray(at, at + BLOCK);
    // ustar: the size in octal, from byte 124 on. Another form is none that `writePayload` makes.
    const size = /^([0-7]{10}) \0$/.exec(head.subarray(124, 136).toString('latin1'))?.[1];
    const length = Number.parseInt(size ?? '', 8);
    const from = at + BLOCK;
    if (!(length <= bytes.length - from)) return undefined;
    files[name] = bytes.subarray(from, from + length);
    at = from + length + padding(length);
  }
  const read = files as Payload;
  return writePayload(read).equals(bytes) ? read : undefined;
}

function padding(length: number): number {
  return (BLOCK - (length % BLOCK)) % BLOCK;
}
