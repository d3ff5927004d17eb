import { describe, expect, test } from 'vitest';
import { proveOnlyBranch, proveProvenance } from '../../src/build/compare-builds.ts';
import { scanModule } from '../../src/driver/module/scan.ts';
import { type ElfFile, readElf } from '../../src/elf/elf.ts';
import { type RoutineShape, routineSource } from '../driver/module/routine-fixture.ts';
import { assembled, type BranchType, COMPILERS, type Compilation, compiled } from '../elf/branch-fixture.ts';

/** What surrounds the routine in a real driver: static functions, tables of them, texts, waiting loops, exports. */
interface Around {
  readonly factor?: number;
  readonly text?: string;
  readonly timeout?: number;
  readonly callee?: string;
  readonly handler?: string;
  readonly exported?: string;
}

function driver(shape: RoutineShape, around: Around = {}): string {
  const { factor = 7, text = 'task abort', timeout = 30, callee = 'say', handler = 'reset' } = around;
  return `${routineSource(shape)}
extern int mpt_get(int), mpt_put(int), mpt_wait(int);
int limit = ${timeout};
static char space[64];
static int __attribute__((noinline)) scale(int x) { return mpt_get(x) * ${factor} + limit; }
static int reset(int x) { ${callee}("${text}, a text that is long enough to have a section of its own", x); return scale(x) + space[x & 63]; }
static int retry(int x) { say("again"); return scale(x) - 1; }
int mptscsih_abort(int x) { switch (x) { case 0: return reset(1); case 1: return mpt_put(2); case 2: return scale(3);
  case 3: return retry(x + 9); case 4: return mpt_wait(5); case 5: return reset(6) + 1; default: return 0; } }
static int (*const handlers[])(int) = { reset, retry, mptscsih_abort };
int (*table[2])(int) = { ${handler}, mptscsih_abort };
int mptscsih_event(int x) { return handlers[x & 1](x) + table[x & 1](x); }
/* As down() of 2.6.9 waits: behind all functions, with a label of its own. */
int mptscsih_lock(int *count) { __asm__ volatile("lock; decl %0\\n js 2f\\n1:\\n .subsection 1\\n .ifndef .text.lock.mptscsih\\n.text.lock.mptscsih:\\n .endif\\n2: call mpt_wait\\n jmp 1b\\n .previous" : "+m"(*count) : : "memory"); return *count; }
const void *__ksymtab_event __attribute__((section("__ksymtab"), used)) = ${around.exported ?? 'mptscsih_event'};
`;
}

const SECOND = 'extern int mptscsih_event(int); int mptscsih_second(int x) { return mptscsih_event(x) + 3; }';

const AFFECTED: RoutineShape = { busyHostByte: 2, nexusHostByte: 2 };
const FIXED: RoutineShape = { nexusHostByte: 2 };

/** How kernels of the era, and of today, call the compiler. */
const TARGETS: readonly (readonly [name: string, bits: string, flags: readonly string[]])[] = [
  ['x86-64', '-m64', ['-O2', '-mcmodel=kernel', '-mno-red-zone']],
  ['x86-64, for size', '-m64', ['-Os', '-mcmodel=kernel', '-mno-red-zone']],
  ['i386 with arguments in registers', '-m32', ['-O2', '-mregparm=3', '-march=i686']],
  ['i386 with arguments in registers, for size', '-m32', ['-Os', '-mregparm=3', '-march=i686']],
  ['i386 with arguments on the stack', '-m32', ['-O2', '-march=i686', '-mpreferred-stack-boundary=2']],
  [
    'i386 with arguments on the stack, for size',
    '-m32',
    ['-Os', '-march=i586', '-mpreferred-stack-boundary=2'],
  ],
];
const CASES = COMPILERS.flatMap((compiler) => TARGETS.map((target) => [compiler, ...target] as const));

test('there is a compiler to test with', () => expect(COMPILERS.length).toBeGreaterThan(0));

describe.each(CASES)('%s, %s:', (compiler, _name, bits, flags) => {
  const known = new Map<string, ElfFile>();
  const build = (shape: RoutineShape, around: Around = {}, branches?: BranchType) => {
    const key = JSON.stringify([shape, around, branches]);
    const elf = known.get(key) ?? make(shape, around, branches);
    known.set(key, elf);
    return elf;
  };
  const make = (shape: RoutineShape, around: Around, branches?: BranchType) => {
    const how: Compilation = { bits, flags, compiler, more: [SECOND], ...(branches && { branches }) };
    return readElf(compiled(driver(shape, around), how));
  };
  const shipped = build(AFFECTED, {}, 'PC32');

  test('the unchanged source gives the guest’s module, whichever type its branches have', () => {
    for (const branches of ['PC32', 'PLT32'] as const) {
      const proof = proveProvenance(build(AFFECTED, {}, branches), shipped);
      expect([proof.ok, proof.detail]).toEqual([true, expect.stringContaining(' .text')]);
    }
  });

  test.each([
    ['another factor', { factor: 9 }, /\.text/],
    ['another text', { text: 'task reset' }, /\.rodata\.str/],
    ['another start value', { timeout: 31 }, /\.data/],
    ['a call to another symbol', { callee: 'shout' }, /\.text/],
    ['another function in a table', { handler: 'retry' }, /\.data/],
    ['another exported function', { exported: 'mptscsih_abort' }, /__ksymtab/],
  ] as const)('%s is not the guest’s module', (_what, around, says) => {
    const proof = proveProvenance(build(AFFECTED, around, 'PLT32'), shipped);
    expect([proof.ok, proof.detail]).toEqual([false, expect.stringMatching(says)]);
  });

  test('of the patched build only the completion routine differs, though all behind it has moved', () => {
    const proof = proveOnlyBranch(build(FIXED), build(AFFECTED));
    expect([proof.ok, proof.detail]).toEqual([
      true,
      'only mptscsih_io_done differs from the unchanged source’s build',
    ]);
  });

  test.each([
    ['another factor', { factor: 9 }, /functions that differ: .*scale/],
    [
      'another text',
      { text: 'task reset' },
      /functions that differ: .*(reset|mptscsih_abort)|data: .*\.rodata\.str/,
    ],
    ['another start value', { timeout: 31 }, /data: \.data$/],
    ['a call to another symbol', { callee: 'shout' }, /functions that differ: .*(reset|mptscsih_abort)/],
    ['another function in a table', { handler: 'retry' }, /data: \.data/],
    ['another exported function', { exported: 'mptscsih_abort' }, /data: .*__ksymtab/],
  ] as const)('%s beside the branch is found', (_what, around, says) => {
    const proof = proveOnlyBranch(build(FIXED, around), build(AFFECTED));
    expect([proof.ok, proof.detail]).toEqual([false, expect.stringMatching(says)]);
  });

  test('the scanner finds the branch, and that it is gone', () => {
    const verdict = (shape: RoutineShape) => {
      const scan = scanModule(build(shape), 'mptscsih.ko');
      return [scan.verdict, scan.functionName];
    };
    expect([verdict(AFFECTED), verdict(FIXED)]).toEqual([
      ['affected', 'mptscsih_io_done'],
      ['branch-absent', 'mptscsih_io_done'],
    ]);
  });
});

describe.each(['-m64', '-m32'])('%s:', (bits) => {
  const code = (more = '') =>
    readElf(assembled(`.text\n.globl f\n.type f,@function\nf: ret\n.size f,.-f\n${more}`, bits));

  test('a signature that Red Hat put into a loaded section of the module is no part of it', () => {
    const signed = code('.section .module_sig,"a",@progbits\n.asciz "a signature"');
    expect(proveProvenance(code(), signed)).toMatchObject({ ok: true });
    const other = code('.section .module_other,"a",@progbits\n.asciz "no signature"');
    expect(proveProvenance(code(), other)).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/sections that differ: \.module_other/),
    });
  });

  test('a section without content is no part of it, with content it is', () => {
    const other = (content: string) => code(`.section .other,"aw"\n${content}`);
    expect(proveProvenance(code(), other('')).ok).toBe(true);
    expect(proveProvenance(other(''), code()).ok).toBe(true);
    expect(proveProvenance(code(), other('.byte 1')).ok).toBe(false);
  });

  test('a field that SUSE’s list of supported modules adds is no part of it, any other is', () => {
    const info = (text: string) => code(`.section .modinfo,"a",@progbits\n.asciz "license=GPL"\n${text}`);
    expect(proveProvenance(info(''), info('.asciz "supported=yes"')).ok).toBe(true);
    expect(proveProvenance(info(''), info('.asciz "alias=x"'))).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/modinfo fields that differ: alias/),
    });
  });
});
