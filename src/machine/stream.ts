import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { ReadStream } from './port.ts';
import { isCode } from './reads.ts';

/** As the kernel's own largest record, CONSOLE_EXT_LOG_MAX; a smaller buffer gets EINVAL. */
const RECORD_BYTES = 8192;
/** /dev/kmsg says so where records were overwritten before they were read: the next read goes on after them. */
const OVERWRITTEN = 'EPIPE';

/** Reads are synchronous: each takes a microsecond, and a file without an end must not keep a thread. */
export function openStream(path: string): ReadStream {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.allocUnsafe(RECORD_BYTES);
  const read = (): Buffer | undefined => {
    for (;;) {
      try {
        const length = readSync(descriptor, buffer);
        return length === 0 ? undefined : buffer.subarray(0, length);
      } catch (error) {
        if (isCode(error, OVERWRITTEN)) continue;
        if (isCode(error, 'EAGAIN')) return undefined;
        throw error;
      }
    }
  };
  return { read, close: () => closeSync(descriptor) };
}
