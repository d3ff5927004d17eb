import { availableParallelism } from 'node:os';
import { type Compression, XZ_MEMORY } from '../machine/compression.ts';
import type { TargetReads } from '../machine/port.ts';
import type { Argv } from '../machine/program.ts';

/** A program that unpacks standard input to standard output. */
export interface Decoder {
  readonly argv: Argv;
  /** The Debian package that brings it. */
  readonly package: string;
  /** The exit statuses with which all that was packed has come out. */
  readonly fine: readonly number[];
}

/** Whoever reads an archive tries `parallel` first; what `plain` says counts. */
export interface Decoders {
  /** Works with several cores; undefined where none is installed, or would be no faster. */
  readonly parallel: Decoder | undefined;
  /** The format's own program. */
  readonly plain: Decoder;
}

interface Row {
  /** In the order in which they are looked for. All of them are optional. */
  readonly parallel: readonly { readonly argv: (threads: number) => Argv; readonly package: string }[];
  readonly plain: Decoder;
}

/** More threads only take memory: what they make is read by one. */
const MAX_THREADS = 16;

const DONE: readonly number[] = [0];

/*
 * lbzip2 finds the blocks of any .bz2 and unpacks them side by side; pbzip2 does so only with what pbzip2 has packed (its
 * man page: streams one after the other). Behind trailing garbage pbzip2 ends with 1, bzip2 and lbzip2 with 0.
 * pigz unpacks in one thread, and reads, writes and checks in three others (its man page), however many are allowed.
 * gzip ends with 2 after a warning, and unpacking knows one: what follows the packed data is ignored (gzip(1)). pigz ends
 * with 0 then.
 * xz unpacks several blocks side by side from 5.4 on (its NEWS); an older one takes -T0, and uses one thread.
 */
const DECODERS: Readonly<Record<Compression['name'] | 'none', Row>> = {
  bzip2: {
    parallel: [
      { argv: (threads) => ['lbzip2', '-dc', '-n', String(threads)], package: 'lbzip2' },
      { argv: (threads) => ['pbzip2', '-dc', `-p${threads}`], package: 'pbzip2' },
    ],
    plain: { argv: ['bzip2', '-dc'], package: 'bzip2', fine: DONE },
  },
  gzip: {
    parallel: [{ argv: () => ['pigz', '-dc'], package: 'pigz' }],
    plain: { argv: ['gzip', '-dc'], package: 'gzip', fine: [0, 2] },
  },
  xz: {
    parallel: [{ argv: () => ['xz', '-dc', '-T0', XZ_MEMORY], package: 'xz-utils' }],
    plain: { argv: ['xz', '-dc', '-T1', XZ_MEMORY], package: 'xz-utils', fine: DONE },
  },
  zstd: { parallel: [], plain: { argv: ['zstd', '-dcq'], package: 'zstd', fine: DONE } },
  none: { parallel: [], plain: { argv: ['cat'], package: 'coreutils', fine: DONE } },
};

/** What unpacks a compression on this machine. `cores`: how many this process may use. */
export async function decodersFor(
  machine: Pick<TargetReads, 'findProgram'>,
  compression: Compression | undefined,
  cores = availableParallelism(),
): Promise<Decoders> {
  const { parallel, plain } = DECODERS[compression?.name ?? 'none'];
  const threads = Math.min(cores, MAX_THREADS);
  if (threads < 2) return { parallel: undefined, plain };
  for (const { argv, ...rest } of parallel) {
    const words = argv(threads);
    if ((await machine.findProgram(words[0])) !== undefined)
      return { parallel: { argv: words, ...rest, fine: DONE }, plain };
  }
  return { parallel: undefined, plain };
}
