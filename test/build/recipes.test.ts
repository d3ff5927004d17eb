import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kernelCompiler } from '../../src/build/compiler.ts';
import { makeModule, RECIPES, recipeFor } from '../../src/build/recipes.ts';

describe('one module is made', () => {
  const PATHS = { make: 'make', headers: '/headers', folder: '/work/module' };
  const call = (base: string) => {
    const recipe = recipeFor(base);
    return recipe === undefined ? undefined : [...makeModule(recipe, PATHS), recipe.reads, recipe.place];
  };

  test.each([
    ['6.1.192', 'M=', 'Kbuild', 'own'],
    ['6.1', 'M=', 'Kbuild', 'own'],
    ['2.6.33', 'M=', 'Kbuild', 'own'],
    ['2.6.32', 'M=', 'Kbuild', 'in tree'],
    ['2.6.18', 'M=', 'Kbuild', 'in tree'],
    ['2.6.16.60', 'M=', 'Kbuild', 'in tree'],
    ['2.6.10', 'M=', 'Kbuild', 'in tree'],
    ['2.6.9', 'M=', 'Makefile', 'in tree'],
    ['2.6.6', 'M=', 'Makefile', 'in tree'],
    ['2.6.5', 'SUBDIRS=', 'Makefile', 'in tree'],
    ['2.6', 'SUBDIRS=', 'Makefile', 'in tree'],
  ])('on %s with %s, by its %s, in a folder %s', (base, variable, reads, place) => {
    expect(call(base)).toEqual([
      'make',
      '-C',
      '/headers',
      `${variable}/work/module`,
      'modules',
      reads,
      place,
    ]);
  });

  test.each(['2.4.21', '2.2.0', 'none', ''])('in no known way on %j', (base) => {
    expect(recipeFor(base)).toBe(undefined);
  });

  test('by rules that each say where they come from', () => {
    for (const { source } of RECIPES) expect(source).not.toBe('');
  });
});

describe('the kernel’s compiler is told by its configuration:', () => {
  const config = (text: string) => `CONFIG_X86=y\nCONFIG_CC_VERSION_TEXT="${text}"\n`;

  test.each([
    ['gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0', 'gcc-12'],
    ['gcc (Ubuntu 9.3.0-10ubuntu2) 9.3.0', 'gcc'],
    ['x86_64-linux-gnu-gcc-11 (Debian) 11.2.0', 'gcc-11'],
    ['gcc-4.9 (Debian) 4.9.2', 'gcc-4.9'],
    ['gcc', 'gcc'],
    ['clang version 14.0.0', 'gcc'],
    ['', 'gcc'],
  ])('%j means %s', (text, name) => {
    expect(kernelCompiler(config(text))).toEqual({ name, package: name });
  });

  test('one that does not say has the plain gcc', () => {
    expect(kernelCompiler('CONFIG_X86=y\n').name).toBe('gcc');
    expect(kernelCompiler('# CONFIG_CC_VERSION_TEXT="gcc-12 x"\n').name).toBe('gcc');
  });

  test('a hostile one never yields a path, an option or a shell’s word', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '/tmp/',
        '../',
        '-o',
        'gcc',
        '-12',
        ' ',
        ';',
        '$(id)',
        '-',
        '.',
        'x-',
        '\t',
        '&&',
        '--config',
      ),
      fc.string({ maxLength: 5 }),
    );
    const hostile = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(hostile, (text) => {
        expect(kernelCompiler(config(text)).name).toMatch(/^gcc(-\d+(\.\d+)?)?$/);
      }),
      { numRuns: 2000 },
    );
  });
});
