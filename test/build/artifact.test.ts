import { execFileSync } from 'node:child_process';
import { describe, expect, test, vi } from 'vitest';
import { type Artifact, type Built, proveArtifact } from '../../src/build/artifact.ts';
import type { StepContext } from '../../src/build/job.ts';
import { PROOFS, type ProofName, requireProofs } from '../../src/build/proof.ts';
import { artifactLines } from '../../src/commands/apply/page.ts';
import type { ModuleFormat } from '../../src/elf/compression.ts';
import { readElf } from '../../src/elf/elf.ts';
import { featuresOf } from '../../src/elf/features.ts';
import { plainBranches } from '../../src/elf/plain-branches.ts';
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

interface Guest {
  /** Its kernel's version, as the build folder has it. */
  readonly version?: string;
  /** Its own module; as the unchanged build where it is not given. */
  readonly module?: Buffer;
}

/** What proves, signs and packs two finished builds; `xz` stands for the program of this machine. */
async function prove(format: ModuleFormat, xz: (input: Uint8Array) => Buffer, guest: Guest = {}) {
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
      shipped: { bytes: guest.module ?? unchanged, format },
      source: { kind: 'local', path: '/src' },
      guest: undefined,
    },
    options: { allowUnproven: false, sign: undefined },
    workspace: { machine, keepLog },
  } as unknown as StepContext;
  const built = {
    patched: { file: 'mptscsih.c', before: Buffer.from('a'), after: Buffer.from('b'), patch: {} },
    builds: {
      patched: { bytes: patched, log: 'CC patched', command: [] },
      unchanged: { bytes: unchanged, log: 'CC unchanged', command: [] },
    },
    headers: {
      folder: '/headers',
      origin: 'given',
      version: guest.version ?? '6.1',
      release: KERNEL.release,
      config: 'CONFIG_FUSION=m\n',
      symvers: '',
    },
    source: { files: new Map(), makefile: undefined },
    fetched: { packages: [] },
    beforehand: [],
    linked: Promise.resolve(new Map()),
  } as unknown as Built;
  let artifact: Artifact | undefined;
  const failed = await caught(async () => {
    artifact = await proveArtifact(context, built);
  });
  return { artifact, bytes: artifact?.bytes, failed, log: keepLog.mock.calls[0]?.[1] };
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

describe('for a kernel before 4.16, whose own module has PC32 alone,', () => {
  const plain = async () => plainBranches(await moduleBytes(AFFECTED)).bytes;
  const same = (input: Uint8Array) => Buffer.from(input);
  const hasPlt32 = (bytes: Uint8Array | undefined) =>
    featuresOf(readElf(bytes ?? Buffer.alloc(0))).some(({ key }) => key === 'relocation 4');

  test('the branches of both builds are edited before all proofs, and the manifest says so', async () => {
    expect(hasPlt32(await moduleBytes(FIXED))).toBe(true);
    const { artifact, failed } = await prove('none', same, { version: '2.6.18', module: await plain() });
    expect([failed, hasPlt32(artifact?.bytes)]).toEqual([undefined, false]);
    expect(artifact?.info.edits).toEqual([
      {
        from: 'R_X86_64_PLT32',
        to: 'R_X86_64_PC32',
        count: plainBranches(await moduleBytes(FIXED)).edited,
        why: expect.stringMatching(
          /^the kernel’s loader knows R_X86_64_PLT32 from 4\.16 on, this one is 2\.6\.18; /,
        ),
      },
    ]);
    expect(artifact?.log).toMatch(
      /^CC patched\s*edited \d+ relocations of the module, R_X86_64_PLT32 to R_X86_64_PC32: /,
    );
    const page = artifactLines({ patch: null, edits: artifact?.info.edits ?? [], proofs: [] }).join('\n');
    expect(page).toMatch(
      /^edited \d+ relocations of the module, R_X86_64_PLT32 to R_X86_64_PC32: .*this one is 2\.6\.18/m,
    );
    const held = artifact?.info.proofs.map(({ name, ok }) => [name, ok]);
    expect(held).toEqual(
      expect.arrayContaining([
        ['relocations', true],
        ['provenance', true],
      ]),
    );
  });

  test('a kernel that knows PLT32 gets the module as it was built', async () => {
    const { artifact } = await prove('none', same, { version: '4.16', module: await plain() });
    expect([artifact?.bytes.equals(await moduleBytes(FIXED)), artifact?.info.edits]).toEqual([true, []]);
  });
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
