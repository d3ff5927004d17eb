import { describe, expect, test, vi } from 'vitest';
import { architectureVars, requireBuildable } from '../../src/build/architecture.ts';
import type { Job } from '../../src/build/job.ts';
import { buildElf, type ElfPlan } from '../elf/elf-builder.ts';
import { failureOf } from '../machine/temporary.ts';

type Elf = Pick<ElfPlan, 'machine' | 'bits'> & Partial<ElfPlan>;

const I386: Elf = { machine: 3, bits: 32 };
const X86_64: Elf = { machine: 62, bits: 64 };

function job(elf: Elf): Pick<Job, 'shipped'> {
  return { shipped: { bytes: buildElf({ little: true, sections: [], ...elf }), format: 'none' } };
}

/** The refusal on a machine of another architecture, or on this one. */
async function refusal(elf: Elf, makeVars: readonly string[] = [], arch: NodeJS.Architecture = 'x64') {
  const spied = vi.spyOn(process, 'arch', 'get').mockReturnValue(arch);
  try {
    return await failureOf(Promise.resolve().then(() => requireBuildable(job(elf), { makeVars })));
  } finally {
    spied.mockRestore();
  }
}

function accepts(elf: Elf, makeVars: readonly string[] = [], arch: NodeJS.Architecture = 'x64'): void {
  const spied = vi.spyOn(process, 'arch', 'get').mockReturnValue(arch);
  try {
    requireBuildable(job(elf), { makeVars });
  } finally {
    spied.mockRestore();
  }
}

describe('an x86-64 machine', () => {
  test('builds modules of x86_64 and i386 with its own compiler, and tells make which', () => {
    for (const [elf, kernel] of [
      [X86_64, 'x86_64'],
      [I386, 'i386'],
    ] as const) {
      accepts(elf);
      expect(architectureVars(job(elf), { makeVars: ['V=1'] })).toEqual([`ARCH=${kernel}`]);
    }
  });

  test('leaves the word to the user who says it', () => {
    expect(architectureVars(job(I386), { makeVars: ['ARCH=x86'] })).toEqual([]);
  });

  test.each<[string, Elf]>([
    ['ia64', { machine: 50, bits: 64 }],
    ['ppc', { machine: 20, bits: 32, little: false }],
    ['aarch64', { machine: 183, bits: 64 }],
    ['machine 4711', { machine: 4711, bits: 64 }],
  ])(
    'refuses a module of %s by name, whatever compiler is given: nothing could prove it',
    async (name, elf) => {
      for (const makeVars of [[], ['ARCH=ia64', 'CROSS_COMPILE=ia64-linux-gnu-']]) {
        const { code, what, next } = await refusal(elf, makeVars);
        expect([code, what, next]).toEqual([
          'E_ARCH_UNSUPPORTED',
          expect.stringContaining(`is for ${name} (`),
          expect.stringContaining('patches/'),
        ]);
      }
    },
  );

  test('refuses a module of x86_64 with 32 bits: no kernel loads one', async () => {
    expect((await refusal({ machine: 62, bits: 32 })).what).toContain('x86_64 (32 bits)');
    expect(architectureVars(job({ machine: 62, bits: 32 }), { makeVars: [] })).toEqual([]);
  });
});

describe('another machine', () => {
  test('is refused by name, and told what would do', async () => {
    const { code, what, next } = await refusal(I386, ['ARCH=i386'], 'arm64');
    expect([code, what]).toEqual([
      'E_ARCH_UNSUPPORTED',
      'the guest’s module is for i386, and the compiler of this machine (arm64) is not',
    ]);
    expect(next).toContain('--make-var CROSS_COMPILE=');
  });

  test('builds them with a compiler that the user names', () => {
    accepts(I386, ['CROSS_COMPILE=i686-linux-gnu-'], 'arm64');
    accepts(X86_64, ['CC=x86_64-linux-gnu-gcc-12'], 'arm64');
  });
});
