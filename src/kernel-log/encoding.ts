/** How many bytes show the encoding, where there is no byte order mark. */
const SAMPLE = 512;
const BOM_UTF8 = Buffer.from([0xef, 0xbb, 0xbf]);

type Decode = (chunk: Uint8Array, isEnd: boolean) => Buffer;

/**
 * Gives bytes of UTF-16, with a byte order mark or without one, back as UTF-8, and any other as they are. PowerShell's `>`
 * writes UTF-16. @param onChange called once where that changes anything
 */
export function decoder(onChange: () => void): Decode {
  let start = Buffer.alloc(0);
  let rest: Decode | undefined;
  return (chunk, isEnd) => {
    if (rest !== undefined) return rest(chunk, isEnd);
    start = Buffer.concat([start, chunk]);
    if (start.length < SAMPLE && !isEnd) return Buffer.alloc(0);
    const encoding = encodingOf(start);
    if (encoding !== undefined) onChange();
    rest = encoding === undefined || encoding === 'utf-8' ? asItIs : transcoder(encoding);
    return rest(encoding === 'utf-8' ? start.subarray(BOM_UTF8.length) : start, isEnd);
  };
}

function asItIs(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
}

function transcoder(encoding: 'utf-16le' | 'utf-16be'): Decode {
  // It removes the byte order mark.
  const text = new TextDecoder(encoding);
  return (chunk, isEnd) => Buffer.from(text.decode(chunk, { stream: !isEnd }));
}

/** Undefined: UTF-8 without a byte order mark, or an older one of one byte a character. */
function encodingOf(start: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' | undefined {
  if (start.subarray(0, 3).equals(BOM_UTF8)) return 'utf-8';
  const [first, second] = start;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  // Of text that is nearly all ASCII every second byte is 0.
  const zeros = [0, 0];
  for (const [at, byte] of start.subarray(0, SAMPLE).entries())
    if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  const half = Math.min(start.length, SAMPLE) / 2;
  if (odd > half * 0.9 && even === 0 && half >= 8) return 'utf-16le';
  return even > half * 0.9 && odd === 0 && half >= 8 ? 'utf-16be' : undefined;
}
