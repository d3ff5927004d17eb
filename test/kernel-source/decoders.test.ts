import { expect, test } from 'vitest';
import { decodersFor } from '../../src/kernel-source/decoders.ts';
import { compressionOf } from '../../src/machine/compression.ts';

const FIRST_BYTES: Readonly<Record<string, Buffer>> = {
  bzip2: Buffer.from('BZh9'),
  gzip: Buffer.from([0x1f, 0x8b]),
  xz: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
  zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
  'plain tar': Buffer.from('linux/'),
};

test.each([
  ['bzip2', ['lbzip2', 'pbzip2'], 2, 'lbzip2 -dc -n 2', 'bzip2 -dc'],
  ['bzip2', ['pbzip2'], 2, 'pbzip2 -dc -p2', 'bzip2 -dc'],
  ['bzip2', [], 2, undefined, 'bzip2 -dc'],
  ['bzip2', ['lbzip2'], 1, undefined, 'bzip2 -dc'],
  ['bzip2', ['lbzip2'], 128, 'lbzip2 -dc -n 16', 'bzip2 -dc'],
  ['gzip', ['pigz'], 4, 'pigz -dc', 'gzip -dc'],
  ['gzip', ['lbzip2'], 4, undefined, 'gzip -dc'],
  ['xz', ['xz'], 4, 'xz -dc -T0 --memlimit-decompress=512MiB', 'xz -dc -T1 --memlimit-decompress=512MiB'],
  ['xz', ['xz'], 1, undefined, 'xz -dc -T1 --memlimit-decompress=512MiB'],
  ['zstd', ['pigz'], 4, undefined, 'zstd -dcq'],
  ['plain tar', ['pigz'], 4, undefined, 'cat'],
] as const)('%s, with %j and %i cores: %s, and %s', async (name, installed, cores, parallel, plain) => {
  const machine = {
    findProgram: async (program: string) =>
      (installed as readonly string[]).includes(program) ? `/usr/bin/${program}` : undefined,
  };
  const found = await decodersFor(machine, compressionOf(FIRST_BYTES[name] ?? Buffer.alloc(0)), cores);
  expect([found.parallel?.argv.join(' '), found.plain.argv.join(' ')]).toEqual([parallel, plain]);
});
