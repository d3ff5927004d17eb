import { describe, expect, it } from 'vitest';
import { scanModule, verdictOfModuleScan } from '../../../src/driver/module/scan.ts';
import { compile, type RoutineShape, routineSource } from './routine-fixture.ts';

/** Switches off what folds the status into the constant, as compilers of 2005 did not: they OR at run time. */
const UNFOLDED = [
  '-fno-tree-vrp',
  '-fno-tree-dominator-opts',
  '-fno-tree-fre',
  '-fno-tree-pre',
  '-fno-thread-jumps',
];

const SHAPES: readonly (readonly [string, RoutineShape, string])[] = [
  ['the branch', { busyHostByte: 2 }, 'affected'],
  ['the branch and a lost nexus of the same host byte', { busyHostByte: 2, nexusHostByte: 2 }, 'affected'],
  ['no branch', {}, 'branch-absent'],
  ['a lost nexus alone', { nexusHostByte: 2 }, 'branch-absent'],
  ['a requeue variant and a lost nexus', { busyHostByte: 15, nexusHostByte: 2 }, 'branch-absent'],
  ['a host byte that is no known variant', { busyHostByte: 11 }, 'unknown'],
];

const TARGETS = [
  ['-m64', '-mcmodel=kernel'],
  ['-m32', '-mregparm=3', '-march=i586'],
  // Arguments on the stack, in room that is kept for them: i386 without CONFIG_REGPARM.
  ['-m32', '-march=i686', '-maccumulate-outgoing-args', '-mpreferred-stack-boundary=2'],
];
const LEVELS = [['-O0'], ['-O1'], ['-O2'], ['-O3'], ['-Os'], ['-O2', ...UNFOLDED], ['-Os', ...UNFOLDED]];

describe.each(TARGETS)('compiled with %s %s %s', (...target) => {
  describe.each(LEVELS)('%s %s', (...level) => {
    it.concurrent.each(SHAPES)('%s is judged right', async (_name, shape, wanted) => {
      const scan = scanModule(
        await compile(routineSource(shape), [...target, ...level].filter(Boolean)),
        'mptscsih.ko',
      );
      expect([scan.verdict, scan.detail]).toEqual([wanted, expect.any(String)]);
      expect(scan.requeueHostByte).toBe(shape.busyHostByte === 15 ? 15 : undefined);
      expect(scan.hits.length > 0).toBe(shape.busyHostByte !== undefined);
      expect(scan.functionName).toBe('mptscsih_io_done');
    });
  });
});

describe('what a scan tells', () => {
  it('names the instruction of the branch', async () => {
    const scan = scanModule(
      await compile(routineSource({ busyHostByte: 2 }), ['-m64', '-O2']),
      '/lib/mptscsih.ko',
    );
    expect(scan.hits[0]?.text).toMatch(/^movl? \$0x20008,(%e|0x120\(%r)/);
    expect(verdictOfModuleScan(scan)).toEqual({
      kind: 'module',
      verdict: 'affected',
      detail: expect.stringMatching(
        /^mptscsih: mptscsih_io_done\+0x[0-9a-f]+ makes DID_BUS_BUSY of a BUSY: movl? \$0x20008,/,
      ),
      file: '/lib/mptscsih.ko',
    });
  });

  it('says of an absent branch that it cannot tell removed from never there', async () => {
    const evidence = verdictOfModuleScan(
      scanModule(await compile(routineSource({}), ['-O2']), 'mptscsih.ko'),
    );
    expect(evidence.verdict).toBe('fixed');
    expect(evidence.detail).toMatch(/removed or never there/);
  });

  it.each([
    'mptscsih_io_done.part.0',
    'mptscsih_io_done.constprop.3',
    'mptscsih_io_done.isra.0',
    'mptscsih_io_done.cold',
  ])('finds the branch in a piece that GCC split off: %s', async (piece) => {
    const branch = routineSource({ busyHostByte: 2, functionName: 'placeholder' });
    const object = await compile(
      `${branch}\nasm(".type piece,@function");`.replace(
        'int placeholder',
        `int placeholder(struct adapter *, struct reply *, struct reply *) __asm__("${piece}");\nint placeholder`,
      ),
      ['-O2'],
    );
    const scan = scanModule(object, 'mptscsih.ko');
    expect(scan.verdict).toBe('affected');
    expect(scan.functionName).toBe(piece);
  });

  it('is unknown where the constant is in another function than the routine', async () => {
    const source =
      routineSource({}) +
      routineSource({ busyHostByte: 2, functionName: 'helper' }).replace(
        /^typedef[\s\S]*?(?=int helper)/m,
        '',
      );
    const scan = scanModule(await compile(source, ['-O2']), 'mptscsih.ko');
    expect(scan.verdict).toBe('unknown');
    expect(scan.detail).toMatch(/0x20008 is used in helper/);
  });
});
