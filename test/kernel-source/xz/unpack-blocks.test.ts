import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { unpackDriver } from '../../../src/kernel-source/unpack.ts';
import { unpackDriverFromBlocks } from '../../../src/kernel-source/xz/unpack-blocks.ts';
import type { Target } from '../../../src/machine/port.ts';
import type { RunOptions } from '../../../src/machine/program.ts';
import { localTarget } from '../../../src/machine/tree.ts';
import { silentProgress } from '../../../src/progress.ts';
import { type Entries, failureOf, sh, temporary } from '../../machine/temporary.ts';
import { FUSION, kernelTree, type Packing, pack, TOP, text } from './packed-tree.ts';

const machine = localTarget({ dryRun: true });
const TREE = kernelTree();
const quiet = { progress: silentProgress };

const packedXz = async (entries: Entries, packing?: Packing): Promise<string> =>
  `${await pack(entries, packing)}.xz`;
const fromBlocks = (path: string, on: Target = machine) => unpackDriverFromBlocks(on, path, quiet);
/** From the same archive's start: so small a one is read to its end. */
const fromStart = (path: string) => unpackDriver(machine, path, quiet);

/** This machine, and what was run on it. */
function watched(): { on: Target; runs: RunOptions[]; most: () => number } {
  const runs: RunOptions[] = [];
  let now = 0;
  let most = 0;
  const run: Target['run'] = async (argv, options) => {
    runs.push(options);
    most = Math.max(most, ++now);
    try {
      return await machine.run(argv, options);
    } finally {
      now -= 1;
    }
  };
  return { on: { ...machine, run }, runs, most: () => most };
}

describe('what comes out is to the byte what comes out when the archive is read from its start:', () => {
  const packings: readonly [name: string, packing: Packing][] = [
    ['sorted by tar', {}],
    ['sorted as find | sort does', { sorting: 'find' }],
    ['sorted as git does', { sorting: 'git' }],
    ['in the pax format', { tar: '--format=pax' }],
    ['in the ustar format', { tar: '--format=ustar' }],
    ['with a pax header for all, as git-archive has', { tar: '--format=pax --pax-option=comment=abc' }],
    ['blocks smaller than the files', { xz: '--block-size=2500' }],
    ['blocks that start within a tar header', { xz: '--block-size=5000' }],
    ['the driver over two blocks', { xz: '--block-size=20000' }],
    ['two blocks', { xz: '--block-size=300000' }],
    ['no integrity check', { xz: '--block-size=8192 --check=none' }],
    ['SHA-256', { xz: '--block-size=8192 --check=sha256' }],
    ['made by threads, with sizes in the headers', { xz: '--block-size=16384 -T2' }],
  ];
  test.each(packings)('%s', async (_, packing) => {
    const path = await packedXz(TREE, packing);
    const found = await fromBlocks(path);
    expect(found?.files.size).toBe(7);
    expect(found?.makefile).toMatch(/^VERSION = 6\n/);
    expect(found).toEqual(await fromStart(path));
    expect([...(found?.files.keys() ?? [])]).toEqual([...(await fromStart(path)).files.keys()]);
  });

  test('whatever the size of the blocks, where the search comes through', async () => {
    const path = await pack(TREE);
    const whole = await fromStart(path);
    let answered = 0;
    for (let size = 2048; size < 200_000; size = Math.ceil(size * 1.3)) {
      sh(`xz -fk --block-size=${size} "$1"`, path);
      const found = await fromBlocks(`${path}.xz`);
      answered += found === undefined ? 0 : 1;
      expect(found ?? whole, `blocks of ${size}`).toEqual(whole);
    }
    // All but the smallest, of which the driver takes too many.
    expect(answered).toBeGreaterThanOrEqual(16);
  });

  test('names of more than 100 bytes, a link and a huge file in the driver’s folder', async () => {
    const path = await packedXz(
      {
        ...TREE,
        [`${FUSION}/a.h`]: { link: '../../../Makefile' },
        [`${FUSION}/${'long-'.repeat(30)}.h`]: 'long\n',
        [`${FUSION}/huge.h`]: Buffer.alloc(9 * 1024 * 1024),
      },
      { xz: '--block-size=1000000' },
    );
    const found = await fromBlocks(path);
    expect([found?.files.size, found?.files.has('huge.h')]).toEqual([8, false]);
    expect(found).toEqual(await fromStart(path));
  });
});

test('few programs are started, two at a time, as the user that was given, and most blocks are left alone', async () => {
  const path = await packedXz(TREE, { xz: '--block-size=4096' });
  const { on, runs, most } = watched();
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const seen: number[] = [];
  const progress = { note: () => {}, bytes: (done: number) => seen.push(done) };
  expect((await unpackDriverFromBlocks(on, path, { user, progress }))?.files.size).toBe(7);
  expect(runs.length).toBeLessThan(40);
  expect(most()).toBe(2);
  expect(runs.every((run) => run.effect === 'read' && run.user === user && run.stdinFile === undefined)).toBe(
    true,
  );
  expect(seen.every((done, at) => at === 0 || done > (seen[at - 1] ?? 0))).toBe(true);
});

test('unpackDriver takes this way for a large .xz, and reads what it does not suit from the start', async () => {
  const noise = await temporary();
  sh('head -c 17000000 /dev/urandom > "$1/noise"', noise);
  const entries = { ...TREE, [`${TOP}/zz`]: readFileSync(`${noise}/noise`), [`${TOP}/zzz`]: 'last' };
  const whole = await fromStart(await pack(TREE));
  for (const [xz, streams] of [
    ['-0 --block-size=100000', false],
    ['-0', true],
  ] as const) {
    const { on, runs } = watched();
    expect(await unpackDriver(on, await packedXz(entries, { xz }), quiet)).toEqual(whole);
    expect(runs.some((run) => run.stdinFile !== undefined)).toBe(streams);
  }
});

test('a second tree in a large .xz is found, though the first one alone would do', async () => {
  const second = { 'linux-6.2/drivers/message/fusion/mptscsih.c': 'x', 'linux-6.2/Makefile': 'VERSION = 6' };
  const path = await packedXz({ ...TREE, ...second }, { xz: '--block-size=8192' });
  expect(await fromBlocks(path)).toBe(undefined);
  expect((await failureOf(fromStart(path))).what).toContain('"linux-6.2/drivers/message/fusion"');
});

/** Files in a folder that stands before the driver's in one order and after it in the other. */
const BESIDE: Entries = Object.fromEntries(
  Array.from({ length: 400 }, (_, file) => [`${TOP}/drivers-x/f${file}`, text(`beside ${file}`, 1500)]),
);

describe('undefined is the answer, so that the archive is read from its start, for', () => {
  const without = (name: string): Entries =>
    Object.fromEntries(Object.entries(TREE).filter(([at]) => !at.startsWith(name)));
  const cases: readonly [name: string, entries: Entries, packing: Packing][] = [
    ['one block', TREE, { xz: '' }],
    ['names in no order', TREE, { sorting: 'reverse' }],
    ['no driver', without(FUSION), {}],
    ['no top Makefile', without(`${TOP}/Makefile`), {}],
    ['a tree without a top folder', TREE, { tar: `--transform='s,^${TOP}/*,,'` }],
    ['names that start with ./', TREE, { tar: "--transform='s,^,./,'" }],
    ['the driver’s folder packed alone', TREE, { tar: `--transform='s,^${TOP}/drivers/message/,,'` }],
    ['a top folder called fusion', TREE, { tar: `--transform='s,^${TOP},fusion,'` }],
    ['two top folders', { ...TREE, 'linux-6.0/Makefile': 'x', 'linux-6.0/COPYING': 'x' }, {}],
    ['a folder whose place depends on the order', { ...TREE, ...BESIDE }, {}],
    [
      'the driver at the archive’s end',
      { [`${TOP}/Makefile`]: 'x', [`${FUSION}/mptscsih.c`]: text('x', 30_000) },
      {},
    ],
    ['a file larger than many blocks', { ...TREE, [`${TOP}/crypto/x`]: text('x', 900_000) }, {}],
  ];
  test.each(cases)('%s', async (_, entries, packing) => {
    const { on, runs, most } = watched();
    expect(await fromBlocks(await packedXz(entries, packing), on)).toBe(undefined);
    expect([runs.length < 40, most() <= 2]).toEqual([true, true]);
  });

  test('what is no .xz, several streams, an index with a bit turned, a cut', async () => {
    const path = await packedXz(TREE);
    const bytes = readFileSync(path);
    const turned = Buffer.from(bytes);
    turned[bytes.length - 30] = (turned[bytes.length - 30] ?? 0) ^ 4;
    for (const content of [
      Buffer.concat([bytes, bytes]),
      turned,
      bytes.subarray(0, -4),
      bytes.subarray(0, 40),
    ]) {
      writeFileSync(path, content);
      expect(await fromBlocks(path)).toBe(undefined);
    }
    expect(await fromBlocks(path.replace('.xz', ''))).toBe(undefined);
  });

  test('a tar in which the names go back within a block that is read', async () => {
    const path = await pack(TREE);
    const tar = readFileSync(path);
    const at = tar.indexOf(`${FUSION}/mptscsih.c`);
    const late = readFileSync(await pack({ [`${TOP}/arch/late.c`]: 'late\n' }));
    const entry = late.subarray(late.indexOf(`${TOP}/arch/late.c`)).subarray(0, 1024);
    writeFileSync(path, Buffer.concat([tar.subarray(0, at), entry, tar.subarray(at)]));
    sh('xz -fk --block-size=8192 "$1"', path);
    expect(await fromBlocks(`${path}.xz`)).toBe(undefined);
  });

  test('a machine without xz', async () => {
    const none = { ...machine, run: async () => ({ status: 127, stdout: Buffer.alloc(0), stderr: '' }) };
    expect(await fromBlocks(await packedXz(TREE), none)).toBe(undefined);
  });
});

test('a stopped run is stopped, and not called damaged', async () => {
  const controller = new AbortController();
  const path = await packedXz(TREE);
  const progress = { note: () => {}, bytes: () => controller.abort(new Error('stopped by hand')) };
  const reading = unpackDriverFromBlocks(machine, path, { signal: controller.signal, progress });
  await expect(reading).rejects.toThrow('stopped by hand');
});
