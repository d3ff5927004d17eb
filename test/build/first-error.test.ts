import { expect, test } from 'vitest';
import { firstError, hintFor } from '../../src/build/first-error.ts';

const ENTERING = "make[1]: Entering directory '/usr/src/linux'";

test.each([
  [
    'the compiler’s first error',
    [
      '  CC [M]  a.o',
      'a.c:3:1: warning: x',
      'a.c:4:2: error: nowhere',
      'a.c:5:2: error: more',
      'make: *** [a.o] Error 1',
    ],
    'a.c:4:2: error: nowhere',
  ],
  [
    'a missing header',
    ['a.c:1:10: fatal error: x.h: No such file', 'make: *** [a.o] Error 1'],
    'a.c:1:10: fatal error: x.h: No such file',
  ],
  [
    'a program that is not there',
    ['/bin/sh: 1: flex: not found', 'make: *** [lex] Error 127'],
    '/bin/sh: 1: flex: not found',
  ],
  [
    'a library of the headers’ own programs',
    [
      '  CC [M]  a.o',
      './tools/objtool: error while loading shared libraries: libelf.so.1: cannot open shared object file',
      'make[1]: *** [a.o] Error 127',
      "make[1]: *** Deleting file 'a.o'",
    ],
    './tools/objtool: error while loading shared libraries: libelf.so.1: cannot open shared object file',
  ],
  [
    'a symbol that modpost misses',
    ['ERROR: modpost: "x" [m.ko] undefined!', 'make: *** [modpost] Error 1'],
    'ERROR: modpost: "x" [m.ko] undefined!',
  ],
  [
    'make’s own complaint',
    [ENTERING, "make[1]: *** No rule to make target 'x', needed by 'y'.  Stop.", 'make: *** [all] Error 2'],
    "make[1]: *** No rule to make target 'x', needed by 'y'.  Stop.",
  ],
  [
    'what was said before make counted it, not a command that it says',
    [
      ENTERING,
      'make -f scripts/Makefile.build obj=/build/module',
      '   gcc -O2 -c -o /build/module/a.o /build/module/a.c   ; ./objtool --orc /build/module/a.o',
      'objtool: no memory',
      "  sed 's/ko$/o/'  /build/module/modules.order | scripts/mod/modpost -m",
      'sh scripts/modules-check.sh modules.order',
      'make[1]: *** [a.o] Error 1',
    ],
    'objtool: no memory',
  ],
  [
    'what was said before make counted it',
    [
      ENTERING,
      'pahole: cannot open vmlinux',
      '  BTF [M] m.ko',
      '',
      'make[1]: *** [m.ko] Error 1',
      'make: *** [all] Error 2',
    ],
    'pahole: cannot open vmlinux',
  ],
  [
    'make’s count, where nobody said anything',
    ['  CC [M]  a.o', 'make: *** [Makefile:3: a.o] Killed'],
    'make: *** [Makefile:3: a.o] Killed',
  ],
  ['the last line, where make was content', ['nothing to do', ''], 'nothing to do'],
  ['nothing', [], 'make printed nothing'],
])('of a failed build is found: %s', (_, lines, found) => {
  expect(firstError(lines)).toBe(found);
});

test.each([
  ['make’s age', ['Makefile:416: *** mixed implicit and normal rules: deprecated syntax'], /make 3\.82/],
  ['the C library’s age', ["scripts/mod/sumversion.c:418:15: error: 'PATH_MAX' undeclared"], /C library/],
  [
    'the compiler’s age',
    ['compiler-gcc.h:30:1: fatal error: linux/compiler-gcc12.h: No such file'],
    /--toolchain/,
  ],
  [
    'an option that gcc does not know',
    ["cc1: error: unrecognized command line option '-mtune=x'"],
    /compiler that built it/,
  ],
  ['libelf', ['error: Cannot generate ORC metadata, please install libelf-dev'], /libelf/],
  ['OpenSSL', ['scripts/sign-file.c:25: fatal error: openssl/opensslv.h: No such file'], /OpenSSL/],
  [
    'a missing program',
    ['/bin/sh: 1: flex: not found', 'make: *** [lex] Error 127'],
    /program that is named/,
  ],
  ['programs of another processor', ['scripts/basic/fixdep: Exec format error'], /another processor/],
  ['columns', ['FATAL: parse error in symbol dump file'], /Module\.symvers/],
])('of a failed build %s is told with what to do', (_, lines, next) => {
  expect(hintFor(lines)).toMatch(next);
});

test('nothing is made up where nothing is known', () => {
  expect(hintFor(['a.c:3:1: error: x', 'make: *** [a.o] Error 1'])).toBe(undefined);
});
