import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compilerNamed,
  compilersIn,
  dumpedVersion,
  vermagicCompiler,
} from '../../../src/build/toolchain/compiler-words.ts';

/** In the shape of what the distros of twenty years write, in words of our own. */
const TEXTS: ReadonlyArray<[text: string, family: 'gcc' | 'clang' | undefined, version: string | undefined]> =
  [
    // Red Hat: the date, then the package.
    ['GCC: (GNU) 4.1.1 20070105 (Red Hat 4.1.1-52)', 'gcc', '4.1.1'],
    ['GCC: (GNU) 3.4.5 20051201 (Red Hat 3.4.5-2)', 'gcc', '3.4.5'],
    ['GCC: (GNU) 3.2.3 20030502 (Red Hat Linux 3.2.3-54)', 'gcc', '3.2.3'],
    ['GCC: (GNU) 2.96 20000731 (Red Hat Linux 7.2 2.96-129.7.2)', 'gcc', '2.96'],
    ['GCC: (GNU) 4.4.7 20120313 (Red Hat 4.4.7-18)', 'gcc', '4.4.7'],
    ['GCC: (GNU) 8.5.0 20210514 (Red Hat 8.5.0-20)', 'gcc', '8.5.0'],
    ['GCC: (GNU) 11.4.1 20231218 (Red Hat 11.4.1-3)', 'gcc', '11.4.1'],
    ['GCC: (GNU) 13.2.1 20231205 (Red Hat 13.2.1-6)', 'gcc', '13.2.1'],
    // Debian and Ubuntu: first after the version, from 4.2 on before it.
    ['GCC: (GNU) 3.3.5 (Debian 1:3.3.5-13)', 'gcc', '3.3.5'],
    ['GCC: (GNU) 4.0.3 (Ubuntu 4.0.3-1ubuntu5)', 'gcc', '4.0.3'],
    ['GCC: (GNU) 4.1.2 20061115 (prerelease) (Debian 4.1.1-21)', 'gcc', '4.1.2'],
    ['GCC: (GNU) 4.1.3 20070929 (prerelease) (Ubuntu 4.1.2-16ubuntu2)', 'gcc', '4.1.3'],
    ['GCC: (Ubuntu/Linaro 4.6.3-1ubuntu5) 4.6.3', 'gcc', '4.6.3'],
    ['GCC: (Debian 12.2.0-14+deb12u1) 12.2.0', 'gcc', '12.2.0'],
    ['GCC: (Debian 16-20260322-1) 16.0.1 20260322 (experimental) [trunk r16-8246]', 'gcc', '16.0.1'],
    ['GCC: (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0', 'gcc', '11.4.0'],
    // SUSE.
    ['GCC: (GNU) 3.3.3 (SuSE Linux)', 'gcc', '3.3.3'],
    ['GCC: (GNU) 4.1.0 (SUSE Linux)', 'gcc', '4.1.0'],
    ['GCC: (GNU) 4.1.2 20070115 (prerelease) (SUSE Linux)', 'gcc', '4.1.2'],
    ['GCC: (SUSE Linux) 4.3.4 [gcc-4_3-branch revision 152973]', 'gcc', '4.3.4'],
    ['GCC: (SUSE Linux) 7.5.0', 'gcc', '7.5.0'],
    ['GCC: (SUSE Linux) 13.2.1 20240206 [revision 67ac78caf31f7cb3202177e642823]', 'gcc', '13.2.1'],
    // Others and older.
    ['GCC: (GNU) egcs-2.91.66 19990314/Linux (egcs-1.1.2 release)', 'gcc', '2.91.66'],
    ['GCC: (GNU) 2.95.3 20010315 (SuSE)', 'gcc', '2.95.3'],
    ['GCC: (GNU) 2.95.4 20011002 (Debian prerelease)', 'gcc', '2.95.4'],
    ['GCC: (Gentoo 4.1.2 p1.0.2) 4.1.2', 'gcc', '4.1.2'],
    ['GCC: (crosstool-NG 1.24.0) 8.3.0', 'gcc', '8.3.0'],
    ['GCC: (Buildroot 2021.02 (local)) 9.3.0', 'gcc', '9.3.0'],
    // --version and CONFIG_CC_VERSION_TEXT.
    ['gcc (GCC) 3.4.6 20060404 (Red Hat 3.4.6-3)', 'gcc', '3.4.6'],
    ['gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0', 'gcc', '12.2.0'],
    ['x86_64-linux-gnu-gcc-11 (Debian 11.2.0-19) 11.2.0', 'gcc', '11.2.0'],
    ['cc (Debian 12.2.0-14) 12.2.0', 'gcc', '12.2.0'],
    ['egcs-2.91.66', 'gcc', '2.91.66'],
    ['2.95.4', 'gcc', '2.95.4'],
    // clang.
    ['clang version 14.0.6', 'clang', '14.0.6'],
    ['Debian clang version 14.0.6', 'clang', '14.0.6'],
    ['Ubuntu clang version 18.1.3 (1ubuntu1)', 'clang', '18.1.3'],
    [
      'Android (7155654, based on r399163b1) clang version 11.0.5 (https://example.org/llvm 87f1315)',
      'clang',
      '11.0.5',
    ],
    // No compiler, or none that says a version.
    ['Linker: LLD 14.0.6', undefined, undefined],
    ['GNU AS 2.17.50', undefined, undefined],
    ['GCC: (GNU)', undefined, undefined],
    ['GCC: 4.1.1', undefined, undefined],
    ['GCC: (Red Hat 4.1.1-52)', undefined, undefined],
    ['', undefined, undefined],
  ];

describe('a compiler is known by what it says of itself:', () => {
  test.each(TEXTS)('%j is %s %s', (text, ...named) => {
    const [family, version] = named;
    expect(compilerNamed(text)).toEqual(family === undefined ? undefined : { family, version });
  });

  test('each once, and only compilers, of a section with many', () => {
    const comment = [
      '',
      'GCC: (GNU) 4.1.1 20070105 (Red Hat 4.1.1-52)',
      'GCC: (GNU) 4.1.1 20070105 (Red Hat 4.1.1-52)',
      'Linker: LLD 14.0.6',
      'GCC: (GNU) 4.1.2 20070626 (Red Hat 4.1.2-14)',
      '',
    ].join('\0');
    expect(compilersIn(comment)).toEqual([
      { family: 'gcc', version: '4.1.1' },
      { family: 'gcc', version: '4.1.2' },
    ]);
    expect(compilersIn('')).toEqual([]);
  });

  test('never by what a distro calls its package, whatever that is', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9 .:~+-]{1,30}$/);
    fc.assert(
      fc.property(
        name,
        fc.tuple(fc.nat(20), fc.nat(9), fc.nat(9)),
        fc.boolean(),
        (builder, numbers, isOld) => {
          const version = numbers.join('.');
          const text = isOld ? `GCC: (GNU) ${version} 20070105 (${builder})` : `GCC: (${builder}) ${version}`;
          expect(compilerNamed(text)?.version).toBe(version);
        },
      ),
    );
  });

  test('in no time, whatever a module says', () => {
    const piece = fc.constantFrom('GCC: ', '(', ')', 'clang version ', 'gcc', '-', '1.', '9', ' ', 'x');
    const hostile = fc.array(piece, { maxLength: 2000 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(hostile, (text) => {
        const version = compilerNamed(text)?.version;
        expect(version === undefined || /^\d+(\.\d+)+$/.test(version)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

test.each([
  ['4.1.1\n', '4.1.1'],
  ['2.96\n', '2.96'],
  ['egcs-2.91.66\n', '2.91.66'],
  ['12.2.0\n', '12.2.0'],
  ['12\n', '12'],
  ['gcc: no input files\n', undefined],
  ['', undefined],
])('-dumpversion that prints %j means %s', (output, version) => {
  expect(dumpedVersion(output)).toBe(version);
});

test.each([
  ['2.6.15-28-686 SMP preempt 686 gcc-4.0', '4.0'],
  ['2.6.9-34.EL SMP gcc-3.4', '3.4'],
  ['2.6.18-8.el5 SMP mod_unload gcc-4.1', '4.1'],
  ['6.1.0-9-amd64 SMP preempt mod_unload modversions ', undefined],
  ['2.6.20-gcc-4.0-test SMP', undefined],
])('the vermagic %j names the compiler %s', (vermagic, version) => {
  expect(vermagicCompiler(vermagic)).toBe(version);
});
