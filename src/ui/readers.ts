const stdoutGone = new AbortController();
let lost: Error | undefined;

/** What the end of a pipe gives, once nobody is there any more. */
const NOBODY_READS = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

/**
 * Lets the run continue where its output can no longer be written: an installation must not be left half done because
 * `head` has read enough or a terminal was closed. Without it Node would end the process there and then.
 */
export function outliveReaders(): void {
  // Whoever stderr was for is gone, and there is nobody else to tell.
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A terminal that was closed gives EIO; of a file that is the disk's own error.
    const isClosedTerminal = process.stdout.isTTY && error.code === 'EIO';
    if (isClosedTerminal || NOBODY_READS.has(error.code ?? '')) stdoutGone.abort();
    else lost ??= error;
  });
}

/** Aborted when nobody reads stdout any more, for a command that would print for ever. */
export function stdoutReaderGone(): AbortSignal {
  return stdoutGone.signal;
}

/** Why the result on stdout is not whole, although it is read: a full disk. To be asked at the very end. */
export async function lostOutput(): Promise<Error | undefined> {
  // A stream tells of its error after the write has returned.
  await new Promise((resolve) => setImmediate(resolve));
  return lost;
}
