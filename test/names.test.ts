import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  generationNumber,
  givenRelease,
  kernelRelease,
  LARGEST_GENERATION,
  moduleName,
  packageName,
  packageVersion,
} from '../src/names.ts';

const PARSERS = { kernelRelease, packageName, packageVersion, moduleName };

const REAL: Readonly<Record<keyof typeof PARSERS, readonly string[]>> = {
  kernelRelease: [
    '2.4.21-4.EL',
    '2.6.9-42.0.10.ELsmp',
    '2.6.18-8.el5',
    '2.6.16.60-0.21-smp',
    '2.6.32-71.el6.x86_64',
    '5.10.0-8-amd64',
    '6.1.0-rc1+',
    '6.6.8-200.fc39.x86_64+debug',
    '6.12.6~deb12-amd64',
  ],
  packageName: ['g++', 'linux-headers-6.1.0-56-amd64', 'linux-kbuild-6.1', 'kernel-smp_devel', '7zip'],
  packageVersion: ['2.6.18-8.el5', '1:6.1.192-2~deb12u1', '2.6.32+28', '0:1.0^git1'],
  moduleName: ['mptscsih', '3w-9xxx', '8021q', 'snd-hda-codec', 'dm_mod', 'openafs-2.6.18-8.el5'],
};

describe('real names are names:', () => {
  for (const [kind, names] of Object.entries(REAL))
    test.each(names)(`${kind} %s`, (name) => {
      expect(PARSERS[kind as keyof typeof PARSERS](name)).toBe(name);
    });
});

/** What a tree might say in place of a name. */
const hostile = fc.oneof(
  fc.constantFrom(
    '',
    '.',
    '..',
    '-',
    '--',
    '/',
    '6.1\n',
    '6.1\0',
    '6.1/../../etc',
    '6.1/x',
    '6.1..x',
    '$(id)',
  ),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.tuple(fc.constantFrom('-', '--', '--outdir=', '-o'), fc.string()).map((parts) => parts.join('')),
  fc
    .tuple(fc.string(), fc.constantFrom('/', '..', '/../', '\n', ' ', '\0'), fc.string())
    .map((parts) => parts.join('6')),
  fc.constantFrom(6, null, undefined, {}, ['6.1'], { toString: () => '6.1' }),
);

test.each(Object.entries(PARSERS))(
  'whatever %s lets pass leads nowhere, and no program takes it for an option',
  (_, parse) => {
    fc.assert(
      fc.property(hostile, (text) => {
        const name = parse(text);
        if (name === undefined) return;
        expect(name).toBe(text);
        expect(name).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._+~:^-]{0,127}$/);
        if (parse !== packageVersion) expect(name).not.toContain('..');
      }),
      { numRuns: 3000 },
    );
  },
);

test('a generation’s number has bounds, and one way to be written', () => {
  expect(['1', '42', String(LARGEST_GENERATION)].map(generationNumber)).toEqual([1, 42, LARGEST_GENERATION]);
  const none = [
    '0',
    '',
    '01',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x1',
    ' 1',
    '1\n',
    '1000000',
    '999999999',
    'lost+found',
  ];
  expect(none.map(generationNumber)).toEqual(none.map(() => undefined));
});

test('--kernel with something else is E_USAGE, and shows no more than a line of it', () => {
  expect(givenRelease('6.1.0-9-amd64')).toBe('6.1.0-9-amd64');
  expect(() => givenRelease(`-rf\n${'x'.repeat(500)}`)).toThrow(
    /^--kernel needs a kernel release, not "-rf\\nx{1,80}"$/,
  );
});
