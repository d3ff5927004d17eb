import { expect, test } from 'vitest';
import { firstError } from '../../src/build/first-error.ts';

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
