import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mayBeEdited, privatelyEdited } from '../../src/build/private-edits.ts';
import { temporary } from '../machine/temporary.ts';

/** As the Makefiles of 2.6.9 to 2.6.36 have it: one rule for a name and a pattern. */
const MIXED = `all: one two
	@echo all
one two: ;
config %config: base
	@echo first $@
	@echo long \\
	line
base:
	@echo base
/ %/: base
	@echo folder $@
`;

async function make(text: string, goal: string): Promise<string> {
  const folder = await temporary();
  writeFileSync(join(folder, 'Makefile'), text);
  return execFileSync('sh', ['-c', 'make -C "$1" -s "$2" 2>&1 || true', 'sh', folder, goal]).toString();
}

describe('a Makefile that today’s make refuses', () => {
  test('does the same once it is edited', async () => {
    expect(await make(MIXED, 'config')).toContain('mixed implicit and normal rules');
    const edit = privatelyEdited('2.6.18', 'Makefile', MIXED);
    expect(edit?.reason).toMatch(/^Makefile: make 3\.82/);
    const text = edit?.text ?? '';
    expect(await make(text, 'config')).toBe('base\nfirst config\nlong line\n');
    expect(await make(text, 'oldconfig')).toBe('base\nfirst oldconfig\nlong line\n');
    expect(await make(text, 'drivers/')).toBe('base\nfolder drivers/\n');
    expect(await make(text, 'all')).toBe('all\n');
  });

  test('is edited once, and no other file or kernel is', () => {
    const { text = '' } = privatelyEdited('2.6.18', 'Makefile', MIXED) ?? {};
    expect(privatelyEdited('2.6.18', 'Makefile', text)).toBe(undefined);
    expect(privatelyEdited('6.1', 'Makefile', MIXED)).toBe(undefined);
    expect(privatelyEdited('2.6.18', 'drivers/Makefile', MIXED)).toBe(undefined);
    expect([mayBeEdited('2.6.9'), mayBeEdited('6.1'), mayBeEdited('')]).toEqual([true, false, false]);
  });
});

test('a program that takes PATH_MAX from where it is no more compiles once it is edited', async () => {
  const folder = await temporary();
  const program =
    '#include <stdio.h>\nint main(void) { char path[PATH_MAX]; return sizeof(path) == 4096 ? 0 : 1; }\n';
  const compile = (text: string) => {
    writeFileSync(join(folder, 'x.c'), text);
    return execFileSync('sh', [
      '-c',
      'cd "$1" && gcc x.c -o x 2>&1 && ./x; echo $?',
      'sh',
      folder,
    ]).toString();
  };
  expect(compile(program)).toContain('PATH_MAX');
  const edit = privatelyEdited('2.6.15', 'scripts/mod/sumversion.c', program);
  expect(compile(edit?.text ?? '')).toBe('0\n');
  expect(privatelyEdited('2.6.15', 'scripts/mod/sumversion.c', edit?.text ?? '')).toBe(undefined);
});
