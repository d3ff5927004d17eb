import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openArchive } from '../../src/kernel-source/archive.ts';
import { type ReadOptions, readArchive } from '../../src/kernel-source/read-archive.ts';
import type { Target } from '../../src/machine/port.ts';
import type { Argv } from '../../src/machine/program.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';
import { failureOf, sh, temporary } from '../machine/temporary.ts';
import { packed, tarball, withDecoders } from './packed.ts';

const machine = localTarget({ dryRun: true });
/** On one core there is nothing to do side by side. */
const isParallel = availableParallelism() > 1;

/** Keeps all of the tar, up to `most` bytes. It counts as whole where it ends in a tar's two units of zeros. */
const everything = (most = Number.POSITIVE_INFINITY) => {
  const parts: Buffer[] = [];
  let size = 0;
  return {
    write: (chunk: Buffer) => {
      parts.push(Buffer.from(chunk));
      size += chunk.length;
      return size < most;
    },
    end: () => Buffer.concat(parts),
    isWhole: () => size >= most || Buffer.concat(parts).subarray(-1024).equals(Buffer.alloc(1024)),
  };
};

async function contentOf(path: string, on: Target = machine, options: Partial<ReadOptions> = {}) {
  const archive = await openArchive(on, path);
  return readArchive(on, archive, { progress: silentProgress, ...options }, () => everything());
}

const PACKERS: readonly (readonly [packer: string, parallel: readonly string[]])[] = [
  ['bzip2', ['lbzip2', 'pbzip2']],
  ['pbzip2 -q', ['lbzip2', 'pbzip2']],
  ['gzip', ['pigz']],
  ['xz', ['xz']],
  ['xz --block-size=65536', ['xz']],
  ['zstd -q', []],
];

/** What may stand behind the packed data, and be in several pieces. */
const FORMS: Readonly<Record<string, (path: string, packer: string) => void>> = {
  'in one piece': () => {},
  'in two pieces': (path, packer) =>
    sh(
      `(head -c 100000 "$1" | ${packer} -c; tail -c +100001 "$1" | ${packer} -c) > "$2"`,
      path.replace(/\.packed$/, ''),
      path,
    ),
  'with padding': (path) => sh('head -c 1024 /dev/zero >> "$1"', path),
  'with trailing garbage': (path) => sh('echo what does not belong here >> "$1"', path),
};
/** xz and zstd refuse what they do not know behind the data; zstd knows no padding. */
const REFUSED = ['xz with trailing garbage', 'zstd with padding', 'zstd with trailing garbage'];

describe('the same comes out, whatever is installed:', () => {
  for (const [packer, parallel] of PACKERS) {
    for (const [form, change] of Object.entries(FORMS)) {
      test(`${packer}, ${form}`, async () => {
        const tar = await tarball();
        const path = packed(tar, packer, '.packed');
        change(path, packer);
        const [tool = ''] = packer.split(' ');
        for (const names of [[], ...parallel.map((name) => [name])]) {
          const content = await contentOf(path, withDecoders(names)).catch((error) => error);
          if (REFUSED.includes(`${tool} ${form}`)) expect(content).toBeInstanceOf(Error);
          else expect(content.subarray(0, readFileSync(tar).length).equals(readFileSync(tar))).toBe(true);
        }
      });
    }
  }
});

test('a plain tar', async () => {
  const tar = await tarball();
  expect((await contentOf(tar)).equals(readFileSync(tar))).toBe(true);
});

describe('one that was cut or damaged is E_ARCHIVE_TRUNCATED with each:', () => {
  for (const [packer, parallel] of PACKERS) {
    for (const names of [[], ...parallel.map((name) => [name])]) {
      test(`${packer}, ${names.join() || 'no parallel decoder'}`, async () => {
        const path = packed(await tarball(), packer, '.damaged');
        const bytes = readFileSync(path);
        if (!packer.startsWith('xz')) {
          writeFileSync(path, bytes.subarray(0, 150_000));
          const { code, what } = await failureOf(contentOf(path, withDecoders(names)));
          expect([code, what.includes(path)]).toEqual(['E_ARCHIVE_TRUNCATED', true]);
        }
        bytes.fill(0x55, 100_000, 100_100);
        writeFileSync(path, bytes);
        expect((await failureOf(contentOf(path, withDecoders(names)))).code).toBe('E_ARCHIVE_TRUNCATED');
      });
    }
  }
});

describe.runIf(isParallel)('a parallel decoder is only a faster way to the same answer:', () => {
  const script = (text: string): Argv => ['sh', '-c', text];
  const ODD: Readonly<Record<string, Argv>> = {
    'cannot be started': ['/nowhere/lbzip2'],
    'fails at once': script('exit 1'),
    'fails after half of it': script('bzip2 -dc | head -c 100000; exit 1'),
    'stops after half of it, and says that all is well': script('bzip2 -dc | head -c 100000'),
    'stops at the end of the first file': script('bzip2 -dc | head -c 301056'),
    'prints its help': script('echo usage: lbzip2 FILE'),
    'prints nothing': script(':'),
    'dies of a signal': script('bzip2 -dc | head -c 100000; kill -SEGV $$'),
    'gives more than any archive has': script('exec cat /dev/zero'),
  };
  test.each(Object.entries(ODD))('one that %s', async (_, argv) => {
    const tar = await tarball();
    const on = withDecoders(['lbzip2'], { lbzip2: argv });
    const notes: string[] = [];
    const progress = { ...silentProgress, note: (text: string) => void notes.push(text) };
    const content = await contentOf(packed(tar, 'bzip2', '.bz2'), on, { progress });
    expect(content.equals(readFileSync(tar))).toBe(true);
    expect(on.ran.map((words) => words.split(' ')[0])).toEqual(['lbzip2', 'bzip2']);
    expect(notes).toEqual([expect.stringMatching(/^lbzip2: .*; reading with bzip2 -dc instead$/)]);
  });

  test.each([
    ['hangs', 'trap "" TERM; while :; do sleep 1; done'],
    ['hangs after half of it', 'bzip2 -dc | head -c 100000; sleep 1000'],
  ])('one that %s', async (_, text) => {
    const tar = await tarball();
    const on = withDecoders(['lbzip2'], { lbzip2: script(text) });
    const content = await contentOf(packed(tar, 'bzip2', '.bz2'), on, { stuckMs: 500 });
    expect([content.equals(readFileSync(tar)), on.ran.length]).toEqual([true, 2]);
  });

  test('it is not run where it is not installed, and nothing else is where it works', async () => {
    const path = packed(await tarball(), 'bzip2', '.bz2');
    for (const [names, ran] of [
      [['lbzip2', 'pbzip2'], 'lbzip2'],
      [['pbzip2'], 'pbzip2'],
      [[], 'bzip2'],
    ] as const) {
      const on = withDecoders(names);
      await contentOf(path, on);
      expect(on.ran.map((words) => words.split(' ')[0])).toEqual([ran]);
    }
  });
});

describe('the decoder is ended where the reader has enough:', () => {
  const enough = async (path: string, on: Target, most = 1) =>
    readArchive(on, await openArchive(on, path), { progress: silentProgress }, () => everything(most));

  test.each([[[]], [['pigz']]])('with %j', async (names) => {
    const folder = await temporary();
    sh('head -c 50000000 /dev/zero | gzip -1 > "$1/large.gz"', folder);
    const content = await enough(join(folder, 'large.gz'), withDecoders(names));
    expect(content.length > 0 && content.length < 1_000_000).toBe(true);
  });

  test('one that then writes on for ever, and heeds no signal', async () => {
    const path = packed(await tarball(), 'gzip', '.gz');
    const on = withDecoders([], { gzip: ['sh', '-c', 'trap "" TERM PIPE; while :; do echo x; done'] });
    expect((await enough(path, on)).length > 0).toBe(true);
  });

  test('one that then hangs, and heeds no signal', async () => {
    const path = packed(await tarball(), 'gzip', '.gz');
    const on = withDecoders([], {
      gzip: ['sh', '-c', 'trap "" TERM; echo x; while :; do sleep 1; done'],
    });
    expect((await enough(path, on)).toString()).toBe('x\n');
  });

  test('damage behind that is none', async () => {
    const path = packed(await tarball(), 'bzip2', '.bz2');
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from('BZh9 and no block')]));
    for (const names of [[], ['lbzip2'], ['pbzip2']])
      expect((await enough(path, withDecoders(names), 100_000)).length >= 100_000).toBe(true);
  });
});

test('a stopped run is stopped, and not called truncated', async () => {
  const folder = await temporary();
  sh('head -c 50000000 /dev/zero | gzip -1 > "$1/large.gz"', folder);
  for (const names of [[], ['pigz']]) {
    const controller = new AbortController();
    const on = withDecoders(names);
    const archive = await openArchive(on, join(folder, 'large.gz'));
    const reading = readArchive(on, archive, { progress: silentProgress, signal: controller.signal }, () => ({
      ...everything(),
      write: () => {
        controller.abort(new Error('stopped by hand'));
        return true;
      },
    }));
    await expect(reading).rejects.toThrow('stopped by hand');
    expect(on.ran.length).toBe(1);
  }
});
