import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSources, SOURCE_TRUST, sourceText } from '../../../src/kernel-source/apt/sources.ts';

const { local, root } = SOURCE_TRUST;
const ARMORED = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n.\nmDME/+=\n=IE0r\n-----END PGP PUBLIC KEY BLOCK-----';
const embedded = `Types: deb\nURIs: http://a.invalid\nSuites: x\nSigned-By:\n ${ARMORED.replaceAll('\n', '\n ')}\n`;

describe('an entry', () => {
  test('of the older form', () => {
    const text =
      'deb [ arch=amd64,i386 signed-by=/k/a.gpg,/k/b.gpg ] http://a.invalid/debian bookworm/updates main non-free # x\n';
    expect(parseSources(text, 'list', root)).toEqual([
      {
        types: ['deb'],
        uris: ['http://a.invalid/debian'],
        suites: ['bookworm/updates'],
        components: ['main', 'non-free'],
        signedBy: ['/k/a.gpg', '/k/b.gpg'],
        embeddedKey: undefined,
        options: new Map([['architectures', 'amd64 i386']]),
      },
    ]);
  });

  test('of the newer form, with comments, further lines and a key of its own', () => {
    const text = `# a comment\nTypes: deb deb-src\nURIs: http://a.invalid\n# within\n https://b.invalid\nSuites: ./\n\n\n${embedded}`;
    const [first, second, ...more] = parseSources(text, 'sources', root);
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      types: ['deb', 'deb-src'],
      uris: ['http://a.invalid', 'https://b.invalid'],
      suites: ['./'],
      components: [],
    });
    expect(second?.embeddedKey).toBe(ARMORED);
  });

  test.each([
    ['# deb http://a.invalid x main\n', 'list'],
    ['deb cdrom:[Debian GNU/Linux 12 _Bookworm_]/ bookworm main\n', 'list'],
    ['Types: deb\nURIs: http://a.invalid\nSuites: x\nEnabled: no\n', 'sources'],
    ['Types: rpm\nURIs: http://a.invalid\nSuites: x\n', 'sources'],
    ['URIs: http://a.invalid\n', 'sources'],
    ['', 'list'],
  ] as const)('is not %j', (text, form) => {
    expect([...parseSources(text, form, local), ...parseSources(text, form, root)]).toEqual([]);
  });
});

describe('of a tree', () => {
  test.each([
    'trusted=yes',
    'allow-insecure=yes',
    'allow-weak=yes',
    'allow-downgrade-to-insecure=yes',
    'inrelease-path=../../x',
  ])('%s is not taken over; of this machine it is', (option) => {
    const [name = ''] = option.split('=');
    const lines = `deb [${option} arch=amd64] http://a.invalid x main\n`;
    const stanza = `Types: deb\nURIs: http://a.invalid\nSuites: x\n${option.replace('=', ': ')}\n`;
    for (const [text, form] of [
      [lines, 'list'],
      [stanza, 'sources'],
    ] as const) {
      expect(parseSources(text, form, root).map((source) => sourceText(source, []))).toEqual([
        expect.not.stringMatching(new RegExp(name, 'i')),
      ]);
      expect(parseSources(text, form, local).map(({ options }) => options.has(name))).toEqual([true]);
    }
  });

  test.each([
    'file:/etc',
    'copy:/etc',
    'ssh://a.invalid/x',
    'rsh://a.invalid/x',
    'cdrom:x',
    'mirror+file:/x',
    'tor+http://x',
    '-oX=y',
  ])('an archive at %s is not one that is read', (uri) => {
    expect(parseSources(`deb ${uri} x main\n`, 'list', root)).toEqual([]);
  });

  test('the text that apt gets is one stanza of known fields, whatever the tree holds', () => {
    const hostile = fc.stringMatching(/^[\s\S]{0,40}$/);
    const options = fc.array(fc.constantFrom('trusted', 'signed-by', 'arch', 'lang+', 'x'), { maxLength: 3 });
    fc.assert(
      fc.property(hostile, hostile, hostile, options, fc.boolean(), (uri, suite, rest, names, newer) => {
        const text = newer
          ? `Types: deb\nURIs: http://a.invalid/${uri}\nSuites: ${suite}\n${names.map((name) => `${name}: ${rest}\n`).join('')}`
          : `deb [${names.map((name) => `${name}=${rest}`).join(' ')}] http://a.invalid/${uri} ${suite} ${rest}\n`;
        for (const source of parseSources(text, newer ? 'sources' : 'list', root)) {
          for (const line of sourceText(source, ['/k.gpg']).trimEnd().split('\n'))
            expect(line).toMatch(
              /^(Types|URIs|Suites|Components|Signed-By|architectures|by-hash|check-valid-until): [ -~À-￿]*$/,
            );
        }
      }),
      { numRuns: 2000 },
    );
  });
});
