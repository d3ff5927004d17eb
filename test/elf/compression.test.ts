import { spawnSync } from 'node:child_process';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import {
  compressModule,
  decompressModule,
  formatOfSuffix,
  type ModuleFormat,
  moduleFormat,
  type Tool,
  xzCheck,
  xzStatedSize,
} from '../../src/elf/compression.ts';
import { LIMITS } from '../../src/limits.ts';

const tool: Tool = async ([program, ...args], input) => {
  const { status, stdout, stderr } = spawnSync(program, args, {
    input,
    maxBuffer: LIMITS.moduleUnpackedBytes,
  });
  return { status: status ?? 127, stdout, stderr: String(stderr) };
};

const never: Tool = async () => {
  throw new Error('no program should run');
};

const MODULE = Buffer.concat([
  Buffer.from('\x7fELF', 'latin1'),
  Buffer.alloc(50_000, 'module '),
  Buffer.alloc(3),
]);

describe('round trips', () => {
  it.each([
    ['none', never],
    ['gzip', never],
    ['zstd', tool],
    ['xz', tool],
  ] as const)('%s gives back what it got and is told by its first bytes', async (format, run) => {
    const packed = await compressModule(MODULE, format, run);
    expect(moduleFormat(packed)).toBe(format);
    expect(await decompressModule(packed, format, run)).toEqual(MODULE);
  });

  it.each([
    ['bzip2', ['bzip2', '-c']],
    ['lzma', ['xz', '--format=lzma', '-c']],
    ['lz4', ['lz4', '-cq']],
    ['zstd', ['zstd', '-19cq']],
  ] as const)('what the %s program makes is told and unpacked', async (format, argv) => {
    const { stdout } = await tool([...argv], MODULE);
    expect(moduleFormat(stdout)).toBe(format);
    expect(await decompressModule(stdout, format, tool)).toEqual(MODULE);
  });

  it('gzip is the same on every day and machine', async () => {
    const packed = await compressModule(MODULE, 'gzip', never);
    expect([...packed.subarray(3, 10)]).toEqual([0, 0, 0, 0, 0, 2, 3]);
    expect(gunzipSync(packed)).toEqual(MODULE);
  });
});

describe('xz', () => {
  it.each(['none', 'crc32', 'crc64', 'sha256'] as const)('shows its check %s', async (check) => {
    const { stdout } = await tool(['xz', '-zc', `--check=${check}`], MODULE);
    expect(xzCheck(stdout)).toBe(check);
    expect(xzStatedSize(stdout)).toBe(MODULE.length);
  });

  it("is made with the check and the dictionary that the kernel's decoder takes", async () => {
    const run = vi.fn(tool);
    const packed = await compressModule(MODULE, 'xz', run);
    expect(xzCheck(packed)).toBe('crc32');
    expect(run.mock.calls[0]?.[0]).toContain('--lzma2=dict=1MiB');
  });

  it('states the sum of its blocks', async () => {
    const { stdout } = await tool(['xz', '-zc', '--block-size=10000'], MODULE);
    expect(xzStatedSize(stdout)).toBe(MODULE.length);
    expect(xzStatedSize(stdout.subarray(0, -4))).toBeUndefined();
    expect(xzStatedSize(Buffer.alloc(5))).toBeUndefined();
  });

  it('is refused before any program runs where it states too much', async () => {
    const { stdout } = await tool(['xz', '-zc', '-0'], Buffer.alloc(LIMITS.moduleUnpackedBytes + 1));
    await expect(decompressModule(stdout, 'xz', never)).rejects.toMatchObject({
      failure: { code: 'E_CANNOT_DECIDE', what: expect.stringContaining('64 MiB') },
    });
  });
});

describe('refusals', () => {
  it('of gzip that unpacks to more than the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(LIMITS.moduleUnpackedBytes + 1), { level: 1 });
    await expect(decompressModule(bomb, 'gzip', never)).rejects.toMatchObject({
      failure: { code: 'E_CANNOT_DECIDE', what: expect.stringContaining('64 MiB') },
    });
  });

  it.each(['gzip', 'zstd', 'xz'] as const)('of cut %s', async (format) => {
    const packed = await compressModule(MODULE, format, tool);
    const cut = packed.subarray(0, packed.length - 20);
    await expect(decompressModule(cut, format, tool)).rejects.toMatchObject({
      failure: { code: 'E_CANNOT_DECIDE' },
    });
  });

  it('where the program is missing, by its name', async () => {
    const missing: Tool = async () => ({ status: 127, stdout: Buffer.alloc(0), stderr: '' });
    await expect(decompressModule(Buffer.alloc(20), 'xz', missing)).rejects.toMatchObject({
      failure: { code: 'E_TOOLS_MISSING', next: 'install the program xz on this machine' },
    });
  });

  it('where the program fails when packing, or throws', async () => {
    const failing: Tool = async () => ({ status: 1, stdout: Buffer.alloc(0), stderr: 'no memory\nmore' });
    await expect(compressModule(MODULE, 'xz', failing)).rejects.toMatchObject({
      failure: { code: 'E_BUILD', what: 'xz failed with status 1: no memory' },
    });
    await expect(decompressModule(MODULE, 'bzip2', never)).rejects.toMatchObject({
      failure: { code: 'E_CANNOT_DECIDE' },
    });
  });

  it('of formats that are not known or not made', async () => {
    await expect(decompressModule(MODULE, 'unknown', never)).rejects.toMatchObject({
      failure: { code: 'E_CANNOT_DECIDE' },
    });
    await expect(compressModule(MODULE, 'lz4', never)).rejects.toMatchObject({
      failure: { code: 'E_BUILD' },
    });
  });
});

describe('names and first bytes', () => {
  it.each([
    ['a.ko', 'none'],
    ['a.ko.gz', 'gzip'],
    ['a.ko.xz', 'xz'],
    ['a.ko.zst', 'zstd'],
    ['mptscsih.o', 'none'],
  ] as const)('%s stands for %s', (name, format) => {
    expect(formatOfSuffix(name)).toBe(format);
  });

  it.each([
    ['', 'unknown'],
    ['BZhX', 'unknown'],
    [']\0\0\0\0\0\0\0\0\0\0\0\0', 'unknown'],
    ['plain text of some length', 'unknown'],
  ] as [string, ModuleFormat][])('%j is %s', (text, format) => {
    expect(moduleFormat(Buffer.from(text, 'latin1'))).toBe(format);
  });
});
