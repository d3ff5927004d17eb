import { execFileSync } from 'node:child_process';
import { expect, test, vi } from 'vitest';
import { type Built, proveArtifact } from '../../src/build/artifact.ts';
import type { BuildContext } from '../../src/build/job.ts';
import { PROOFS, type ProofName, requireProofs } from '../../src/build/proof.ts';
import type { ModuleFormat } from '../../src/elf/compression.ts';
import { EXIT_STATUS, isFailure } from '../../src/errors.ts';
import { AFFECTED, FIXED, moduleBytes } from './module-fixture.ts';

const KERNEL = { release: '6.1.0-9-amd64', base: '6.1', distro: 'Debian 12', packageVersion: '6.1.27-1' };

async function caught(act: () => unknown) {
  try {
    await act();
  } catch (error) {
    if (isFailure(error)) return error.failure;
    throw error;
  }
  return undefined;
}

/** What proves, signs and packs two finished builds; `xz` stands for the program of this machine. */
async function prove(format: ModuleFormat, xz: (input: Uint8Array) => Buffer) {
  const [patched, unchanged] = [await moduleBytes(FIXED), await moduleBytes(AFFECTED)];
  const keepLog = vi.fn(async (_name: string, _text: string) => '/var/tmp/mptfix-log-x/build.log');
  const machine = {
    readText: async () => undefined,
    run: async (
      _argv: readonly string[],
      { input, onChunk }: { readonly input: Uint8Array; readonly onChunk?: (chunk: Buffer) => boolean },
    ) => {
      const stdout = xz(input);
      onChunk?.(stdout);
      return { status: 0, stdout, stderr: '' };
    },
  };
  const context = {
    job: {
      kernel: KERNEL,
      module: { name: 'mptscsih', path: '/lib/modules/x/mptscsih.ko.xz' },
      shipped: { bytes: unchanged, format },
      source: { kind: 'local', path: '/src' },
      guest: undefined,
    },
    options: { allowUnproven: false, sign: undefined },
    workspace: { machine, keepLog },
  } as unknown as BuildContext;
  const built = {
    patched: { file: 'mptscsih.c', before: Buffer.from('a'), after: Buffer.from('b'), patch: {} },
    builds: {
      patched: { bytes: patched, log: 'CC patched', command: [] },
      unchanged: { bytes: unchanged, log: 'CC unchanged', command: [] },
    },
    headers: { folder: '/headers', origin: 'given', version: '6.1', release: KERNEL.release },
    source: { files: new Map(), makefile: undefined },
    fetched: { packages: [] },
    beforehand: [],
    linked: Promise.resolve(new Map()),
  } as unknown as Built;
  let bytes: Buffer | undefined;
  const failed = await caught(async () => {
    bytes = (await proveArtifact(context, built)).bytes;
  });
  return { bytes, failed, log: keepLog.mock.calls[0]?.[1] };
}

const packed = (check: string) => (input: Uint8Array) =>
  execFileSync('xz', ['-zc', `--check=${check}`], { input });

test('an xz module is packed with the check that kernels know', async () => {
  const { bytes, failed } = await prove('xz', packed('crc32'));
  expect([failed, bytes?.subarray(1, 5).toString()]).toEqual([undefined, '7zXZ']);
});

test.each([
  ['with a check that kernels do not know', packed('crc64')],
  ['not at all', (input: Uint8Array) => Buffer.from(input)],
])('a module that is packed %s stops the build, with the log', async (_, xz) => {
  const { bytes, failed, log } = await prove('xz', xz);
  expect(bytes).toBe(undefined);
  expect([failed?.code, EXIT_STATUS.E_BUILD, failed?.log]).toEqual([
    'E_BUILD',
    6,
    '/var/tmp/mptfix-log-x/build.log',
  ]);
  expect(failed?.what).toMatch(/^proof “compression” failed: /);
  expect(log).toMatch(/^FAILS {2}compression: /m);
  expect(log).toContain('CC patched');
});

const names = Object.keys(PROOFS) as readonly ProofName[];

test('every proof that fails says what to do about it, and no two say the same', async () => {
  const nexts = await Promise.all(
    names.map(
      async (name) =>
        (await caught(() => requireProofs([{ name, ok: false, detail: 'x' }], { kernel: KERNEL })))?.next,
    ),
  );
  expect(new Set(nexts).size).toBe(names.length);
  for (const next of nexts) expect(next).toMatch(/^.{20,200}; nothing was changed on the guest$/);
});

test.each(['provenance', 'compiler'] as const)('only of %s --allow-unproven is offered', async (waivable) => {
  for (const name of names) {
    const failed = await caught(() => requireProofs([{ name, ok: false, detail: 'x' }], { kernel: KERNEL }));
    if (name === waivable) expect(failed?.next).toContain('--allow-unproven');
    else if (name !== 'provenance' && name !== 'compiler')
      expect(failed?.next).not.toContain('--allow-unproven');
  }
});
