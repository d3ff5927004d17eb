import type { Argv, Target } from '../machine/port.ts';

/** One file, stream or program's output that holds log lines. */
export interface LogPart {
  /** For messages: a path, or what it is. */
  readonly name: string;
  /** No line in it is later than this, in milliseconds since the epoch: tells the year where lines do not. */
  readonly until: number;
  /** On disk, where it is known. */
  readonly bytes?: number;
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** Parts that follow each other in time: a log and its rotated forerunners, the oldest first. */
export interface LogSource {
  readonly name: string;
  readonly parts: readonly LogPart[];
  /** The machine of lines that name none. */
  readonly host?: string;
  /** When the kernel started whose seconds the lines have, in milliseconds since the epoch; else it is not known. */
  readonly bootedAt?: number;
}

/** Compressions of rotated logs, by their first bytes: logrotate's `compresscmd` may be any. */
const COMPRESSIONS: readonly { readonly magic: readonly number[]; readonly tool: Argv }[] = [
  { magic: [0x1f, 0x8b], tool: ['gzip', '-dc'] },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], tool: ['xz', '-dc'] },
  { magic: [0x42, 0x5a, 0x68], tool: ['bzip2', '-dc'] },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], tool: ['zstd', '-dcq'] },
];
const MAGIC_BYTES = 6;

/** A log file, unpacked on the way where it is packed. */
export function filePart(target: Target, path: string, until: number, bytes = 0): LogPart {
  return { name: path, until, bytes, open: () => unpacked(target, path) };
}

async function* unpacked(target: Target, path: string): AsyncGenerator<Uint8Array> {
  const head = await target.readRange(path, 0, MAGIC_BYTES);
  const tool = COMPRESSIONS.find(({ magic }) => magic.every((byte, at) => head[at] === byte))?.tool;
  if (tool === undefined) yield* target.readChunks(path);
  else yield* outputOf(target, tool, path);
}

/** What a program prints, as it prints it. Throws at the end where the program failed. */
export async function* outputOf(target: Target, argv: Argv, stdinFile?: string): AsyncGenerator<Uint8Array> {
  let taken = Promise.withResolvers<boolean>();
  let offered = Promise.withResolvers<Uint8Array | undefined>();
  const result = target
    .run(argv, {
      effect: 'read',
      ...(stdinFile === undefined ? {} : { stdinFile }),
      onChunk: (chunk) => {
        offered.resolve(chunk);
        return taken.promise;
      },
    })
    .finally(() => offered.resolve(undefined));
  // It is waited for below; where the caller stops early, nobody is.
  result.catch(() => {});
  try {
    for (;;) {
      const chunk = await offered.promise;
      if (chunk === undefined) break;
      yield chunk;
      const { resolve } = taken;
      taken = Promise.withResolvers<boolean>();
      offered = Promise.withResolvers<Uint8Array | undefined>();
      resolve(true);
    }
  } finally {
    taken.resolve(false);
  }
  const { status, stderr } = await result;
  if (status !== 0) throw new Error(`${argv[0]} ended with ${status}: ${stderr.trim().split('\n')[0] ?? ''}`);
}
