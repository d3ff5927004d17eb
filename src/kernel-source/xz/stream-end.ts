import { crc32 } from 'node:zlib';
import { writeInteger } from './integer.ts';
import type { XzBlock } from './layout.ts';

/**
 * What must follow a stream's header and these of its blocks to make a whole .xz of them (xz-file-format.txt, 2.1.2
 * and 4): an index with a record for each, and a footer with the flags of the header.
 */
export function streamEnd(
  header: Buffer,
  blocks: readonly Pick<XzBlock, 'unpaddedSize' | 'contentSize'>[],
): Buffer {
  const records = Buffer.concat([
    Buffer.from([0]),
    writeInteger(blocks.length),
    ...blocks.flatMap((block) => [writeInteger(block.unpaddedSize), writeInteger(block.contentSize)]),
  ]);
  const padded = Buffer.concat([records, Buffer.alloc((4 - (records.length % 4)) % 4)]);
  const index = Buffer.concat([padded, uint32(crc32(padded))]);
  const backward = Buffer.concat([uint32(index.length / 4 - 1), header.subarray(6, 8)]);
  return Buffer.concat([index, uint32(crc32(backward)), backward, Buffer.from('YZ', 'latin1')]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
