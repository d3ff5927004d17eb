import { satisfies } from 'semver';

/** Which gcc can compile a span of kernels, by the kernel's own rules. */
export interface Era {
  /** Semver range of VERSION.PATCHLEVEL.SUBLEVEL. */
  readonly kernels: string;
  /** Semver range of gcc's version. */
  readonly gcc: string;
  /** The same in words. */
  readonly text: string;
  readonly source: string;
}

/**
 * The lower end is what the kernel's Documentation/Changes (later process/changes.rst) asks for. The upper end is what its
 * compiler.h includes: `linux/compiler-gcc4.h` by the compiler's own first number, and an error where there is no such file.
 */
const ERAS: readonly Era[] = [
  {
    kernels: '>=2.6.0 <2.6.12',
    gcc: '>=2.95.3 <4.0.0',
    text: 'gcc 2.95.3 to 3.4',
    source: 'Documentation/Changes of 2.6.0: 2.95.3; declarations that gcc 4 refuses went until 2.6.12',
  },
  {
    kernels: '>=2.6.12 <2.6.17',
    gcc: '>=2.95.3 <5.0.0',
    text: 'gcc 2.95.3 to 4.9',
    source: 'Documentation/Changes of 2.6.12: 2.95.3; include/linux/compiler.h knows compiler-gcc4.h',
  },
  {
    kernels: '>=2.6.17 <3.18.0',
    gcc: '>=3.2.0 <5.0.0',
    text: 'gcc 3.2 to 4.9',
    source: 'Documentation/Changes of 2.6.17: 3.2; compiler-gcc5.h came with 71458cfc782e (3.18)',
  },
  {
    kernels: '>=3.18.0 <4.2.0',
    gcc: '>=3.2.0 <6.0.0',
    text: 'gcc 3.2 to 5',
    source: 'cb984d101b30 (4.2) made one compiler-gcc.h of all; until then compiler-gcc5.h is the last',
  },
  {
    kernels: '>=4.2.0 <4.19.0',
    gcc: '>=3.2.0',
    text: 'gcc 3.2 or later',
    source: 'Documentation/Changes of 4.2: 3.2',
  },
  {
    kernels: '>=4.19.0 <5.8.0',
    gcc: '>=4.6.0',
    text: 'gcc 4.6 or later',
    source: 'cafa0010cd51 (4.19) raised it to 4.6',
  },
  {
    kernels: '>=5.8.0 <5.15.0',
    gcc: '>=4.9.0',
    text: 'gcc 4.9 or later',
    source: '6ec4476ac825 (5.8) raised it to 4.9',
  },
  {
    kernels: '>=5.15.0 <6.16.0',
    gcc: '>=5.1.0',
    text: 'gcc 5.1 or later',
    source: '76ae847497bc (5.15) raised it to 5.1',
  },
  {
    kernels: '>=6.16.0',
    gcc: '>=8.1.0',
    text: 'gcc 8.1 or later',
    source: '118c40b7b503 (6.16) raised it to 8.1',
  },
];

/** The era of a kernel's base version; undefined before 2.6. */
export function eraOf(base: string): Era | undefined {
  return ERAS.find(({ kernels }) => satisfies(threeParts(base), kernels));
}

/** Whether a gcc of this version can compile a kernel of that era. */
export function canCompile({ gcc }: Pick<Era, 'gcc'>, version: string): boolean {
  return satisfies(threeParts(version), gcc);
}

/** semver wants three numbers: 6.1 is 6.1.0, and of 2.6.16.60 the first three count. */
export function threeParts(version: string): string {
  return [...version.split('.'), '0', '0'].slice(0, 3).join('.');
}
