import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSameCommand, kbuildListener, recordedCommand } from '../../src/build/kbuild-commands.ts';
import { temporary } from '../machine/temporary.ts';

const OWN = { module: 'mptscsih', folders: ['/build/module'] };
const IN_TREE = {
  module: 'mptscsi',
  folders: ['/usr/src/kernels/2.6.9/drivers/message/fusion', 'drivers/message/fusion'],
};

describe('what kbuild says', () => {
  test.each([
    [
      'the object',
      'compile',
      OWN,
      '   gcc-12 -Iinc -DMODULE -c -o /build/module/mptscsih.o /build/module/mptscsih.c',
    ],
    [
      'the object with objtool behind it',
      'compile',
      OWN,
      '  gcc -c -o /build/module/mptscsih.o /build/module/mptscsih.c   ; ./tools/objtool/objtool --orc /build/module/mptscsih.o',
    ],
    [
      'an object whose symbols get versions',
      'compile',
      IN_TREE,
      '  gcc -c -o drivers/message/fusion/.tmp_mptscsi.o drivers/message/fusion/mptscsi.c',
    ],
    [
      'objtool alone',
      'adjust',
      OWN,
      '  ./tools/objtool/objtool orc generate --module /build/module/mptscsih.o',
    ],
    [
      'recordmcount',
      'adjust',
      OWN,
      '  perl /usr/src/linux/scripts/recordmcount.pl "x86_64" "64" /build/module/mptscsih.o',
    ],
    [
      'modpost of 2.6',
      'describe',
      IN_TREE,
      '  scripts/mod/modpost -m -i /usr/src/x/Module.symvers drivers/message/fusion/mptscsi.o',
    ],
    [
      'modpost that is told by a list',
      'describe',
      OWN,
      "   sed 's/ko$/o/'  /build/module/modules.order | scripts/mod/modpost -m -T - ",
    ],
    [
      'what modpost wrote',
      'compile other',
      OWN,
      '  gcc-12 -DMODULE -c -o /build/module/mptscsih.mod.o /build/module/mptscsih.mod.c',
    ],
    [
      'an object for every module',
      'compile other',
      OWN,
      '  gcc -c -o /build/module/.module-common.o scripts/module-common.c',
    ],
    [
      'the module',
      'link',
      OWN,
      '  ld -r -T module.lds -o /build/module/mptscsih.ko /build/module/mptscsih.o /build/module/mptscsih.mod.o;  true',
    ],
  ])('%s: %s', (_what, step, place, line) => {
    expect(kbuildListener(place)(line)).toEqual({ step, text: line.trim(), folder: undefined });
  });

  test.each([
    ['what it does, in short', '  CC [M]  /build/module/mptscsih.o'],
    ['what it links, in short', '  LD [M]  /build/module/mptscsih.ko'],
    ['a warning', '/build/module/mptscsih.c:12:3: warning: -c -o /build/module/mptscsih.o'],
    ['a line of the source below a warning', '   12 |   int mptscsih = 0;'],
    ['another module', '  gcc -c -o /build/module/mptbase.o /build/module/mptbase.c'],
    ['what is no object', '  gcc -c -o /build/module/mptscsih.mod.x /build/module/mptscsih.mod.c'],
    ['another module’s link', '  ld -r -o /build/module/mptspi.ko /build/module/mptspi.o'],
    ['the same name elsewhere', '  gcc -c -o /tmp/mptscsih.o /tmp/mptscsih.c'],
    ['the preprocessor', '  gcc -E -o /tmp/x.i /build/module/mptscsih.c'],
    ['a command that is not said by kbuild', 'gcc -c -o /build/module/mptscsih.o /build/module/mptscsih.c'],
    ['a program of a like name', '  ./tools/objtool/objtool-fake /build/module/mptscsih.o'],
    ['modpost of the kernel', '  scripts/mod/modpost -o Module.symvers vmlinux.o'],
    ['nothing', ''],
  ])('%s is no command of the module', (_what, line) => {
    expect(kbuildListener(OWN)(line)).toBeUndefined();
  });

  test('a command runs where make is, also where one make is inside another', () => {
    const hear = kbuildListener(OWN);
    const link = '  ld -r -o /build/module/mptscsih.ko /build/module/mptscsih.o';
    const folders = [
      "make: Entering directory '/usr/src/headers'",
      link,
      'make[1]: Entering directory `/usr/src/common’',
      link,
      "/opt/make-3.80[1]: Leaving directory `/usr/src/common'",
      link,
    ].flatMap((line) => hear(line)?.folder ?? []);
    expect(folders).toEqual(['/usr/src/headers', '/usr/src/common', '/usr/src/headers']);
  });

  test('any line is heard in peace', () => {
    const hear = kbuildListener(OWN);
    const word = fc.constantFrom(
      '-c',
      '-o',
      '/build/module/mptscsih.o',
      'modpost',
      "'",
      '"',
      ';',
      'make:',
      '$(',
    );
    const line = fc.oneof(
      fc.string(),
      fc.array(word).map((words) => `  ${words.join(' ')}`),
    );
    fc.assert(
      fc.property(line, (text) => {
        const command = hear(text);
        expect(command === undefined || text.includes(command.text)).toBe(true);
      }),
    );
  });
});

describe('what kbuild records', () => {
  test.each([
    ['cmd_/m/x.o := gcc -c x.c', 'gcc -c x.c'],
    ['savedcmd_/m/x.o := gcc -c x.c', 'gcc -c x.c'],
    ["cmd_m/order :=  sed 's/ko$$/o/' list", "sed 's/ko$/o/' list"],
    ['cmd_m/x.o := gcc -D"STR(s)=\\#s"', 'gcc -D"STR(s)=#s"'],
    ['cmd_m/x.o := gcc -D"STR(s)=$(pound)s"', 'gcc -D"STR(s)=#s"'],
    ['source_m/x.o := x.c', undefined],
    ['', undefined],
  ])('%s', (line, command) => {
    expect(recordedCommand(line)).toBe(command);
  });

  /** As scripts/Kbuild.include of both times writes it: the texts are make's own, read back from the file. */
  test.each([
    ['since 5.0', '$(subst $(pound),$$(pound),$(subst $$,$$$$,$(cmd)))'],
    ['before', '$(subst \\#,\\\\\\#,$(subst $$,$$$$,$(cmd)))'],
  ])('%s, make’s own record of a command is read as what the shell ran', async (_when, text) => {
    const folder = await temporary({
      Makefile: `pound := \\#
squote := '
escsq = $(subst $(squote),'\\$(squote)',$1)
cmd = printf '%s\\n' "$$HOME" '\\#' "a  b" > out
make-cmd = $(call escsq,${text})
out:
\t@echo '  $(call escsq,$(cmd))'
\t@printf '%s\\n' 'cmd_$@ := $(make-cmd)' > .out.cmd
`,
    });
    const said = execFileSync('make', ['-s', '-C', folder, 'SHELL=/bin/bash', 'out'], { encoding: 'utf8' });
    const recorded = recordedCommand(readFileSync(join(folder, '.out.cmd'), 'utf8').trimEnd());
    expect(recorded).toContain(`"$HOME" '#'`);
    expect(isSameCommand(recorded ?? '', said)).toBe(true);
    expect(isSameCommand(`${recorded} -O3`, said)).toBe(false);
  });
});
