import type { Argv, Target } from '../../machine/port.ts';
import type { UnpackOptions } from '../unpack.ts';
import type { XzBlock, XzLayout } from './layout.ts';
import { streamEnd } from './stream-end.ts';

/** One thread: a block is one piece of work, and setting up more costs time. */
const XZ: Argv = ['xz', '-dc', '-T1'];

export interface XzFile {
  readonly machine: Target;
  readonly path: string;
  readonly layout: XzLayout;
  readonly options: UnpackOptions;
}

/** `ended`: to its end, or as far as the reader wanted it. */
export type Outcome = { readonly ended: true } | { readonly ended: false; readonly why: string };

/**
 * Feeds a block's content to `onChunk`, until that answers false. The decoder is the machine's own xz, run as the
 * unprivileged user, and gets the block as a whole .xz on its standard input; with `headBytes` only so many bytes of
 * the block, and then it ends with a complaint. A block that unpacks to more than the index says is stopped there.
 */
export async function decodeBlock(
  file: XzFile,
  block: XzBlock,
  onChunk: (chunk: Buffer) => boolean | Promise<boolean>,
  headBytes = block.storedSize,
): Promise<Outcome> {
  const { machine, path, layout, options } = file;
  const stored = await machine.readRange(path, block.offset, Math.min(headBytes, block.storedSize));
  const whole = stored.length === block.storedSize;
  const tail = whole ? [streamEnd(layout.header, [block])] : [];
  let unpacked = 0;
  const result = await machine.run(XZ, {
    effect: 'read',
    input: Buffer.concat([layout.header, stored, ...tail]),
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onChunk: (chunk) => {
      unpacked += chunk.length;
      return unpacked <= block.contentSize && onChunk(chunk);
    },
  });
  options.signal?.throwIfAborted();
  if (unpacked > block.contentSize) return { ended: false, why: 'a block holds more than the index says' };
  if (result.status === 0) return { ended: true };
  return { ended: false, why: result.stderr.trim().split('\n')[0] || `xz exit status ${result.status}` };
}
