import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOMS } from '../scripts/rooms.ts';
import { EXIT_STATUS } from '../src/errors.ts';

const PAGES = [
  ...readdirSync('.').filter((name) => name.endsWith('.md')),
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'patches/README.md',
];

/** The anchors of a page's headings, as GitHub makes them: lower case, spaces to hyphens, no punctuation. */
function anchors(page: string): readonly string[] {
  return [...readFileSync(page, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** Relative links of a page that lead nowhere: to no file, or to no heading of it. */
function brokenLinks(page: string): readonly string[] {
  const links = [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(
    ([, link = '']) => link,
  );
  return links.filter((link) => {
    const [path = '', anchor] = link.split('#');
    const file = path === '' ? page : join(dirname(page), path);
    return !existsSync(file) || (anchor !== undefined && !anchors(file).includes(anchor));
  });
}

describe('documents:', () => {
  test.each(PAGES)('every relative link of %s leads to a file and a heading that exist', (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });

  test('README.md leads to every page of docs/', () => {
    const readme = readFileSync('README.md', 'utf8');
    expect(PAGES.filter((page) => page.startsWith('docs/') && !readme.includes(`](${page}`))).toEqual([]);
  });
});

/** The cells of a page's table rows whose first cell is one word in backquotes, that word without them. */
function rows(page: string): readonly (readonly string[])[] {
  return [...readFileSync(page, 'utf8').matchAll(/^\| `([\w-]+)` \|(.*)\|$/gm)].map(
    ([, first = '', rest = '']) => [first, ...rest.split('|').map((cell) => cell.trim())],
  );
}

test('docs/errors.md lists every error code with its exit status', () => {
  const documented = rows('docs/errors.md').map(([code, status]) => [code, Number(status)]);
  expect(documented.length).toBe(Object.keys(EXIT_STATUS).length);
  expect(Object.fromEntries(documented)).toEqual(EXIT_STATUS);
});

test('README.md lists every exit status of an error', () => {
  const table = /## Exit statuses[\s\S]*?(?=\n## )/.exec(readFileSync('README.md', 'utf8'))?.[0] ?? '';
  const listed = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, cell = '']) =>
    cell.split(', ').map(Number),
  );
  expect(Object.values(EXIT_STATUS).filter((status) => !listed.includes(status))).toEqual([]);
});

test('docs/architecture.md has the table of rooms as scripts/rooms.ts has it', () => {
  const above: string[] = [];
  const documented = rows('docs/architecture.md').map(([room = '', , cell = '']) => {
    const words = [...cell.matchAll(/`([\w-]+)`/g)].map(([, word = '']) => word);
    const allowed = cell === 'all above' ? [...above] : words;
    above.push(room);
    return [room, allowed.toSorted()] as const;
  });
  const rooms = Object.entries(ROOMS).map(([room, allowed]) => [room, allowed.toSorted()] as const);
  expect(documented.length).toBe(rooms.length);
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(rooms));
});

describe('what a developer’s page names in backquotes exists:', () => {
  const FOLDERS = ['src', 'test', 'lab', 'bench', 'scripts', 'bin', 'docs', 'patches'];
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const names = new Set(files.map((file) => basename(file)));
  const source = files
    .filter((file) => /^(src|scripts)\/.*\.(ts|mjs|sh)$/.test(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');

  /** Words that are somebody else's: of the language, of the kernel, of a CI. */
  const FOREIGN: ReadonlySet<string> = new Set(['CI', 'import', 'RELEASE', 'NAME', 'BUSY', 'EROFS']);

  /** Declared, or the key of a table; a word in a comment does not count. */
  const isDeclared = (name: string): boolean =>
    new RegExp(
      `\\b(?:const|let|function|interface|type) ${name}\\b|^\\s+(?:readonly )?'?${name}'?\\??:`,
      'm',
    ).test(source);

  /** Whether it exists; undefined for what names neither a file nor a thing in the source. */
  function exists(word: string): boolean | undefined {
    if (/[<>*… ]|^[A-Z]+\.|\/NAME|\b[A-Z]+=/.test(word)) return undefined;
    if (new RegExp(`^(${FOLDERS.join('|')})/`).test(word)) return existsSync(word);
    if (/^[\w./-]+\.(ts|mjs|sh)$/.test(word))
      return word.includes('/') ? files.some((file) => file.endsWith(`/${word}`)) : names.has(word);
    const name = /^([A-Z][A-Z0-9_]+|[A-Za-z]+[A-Z]\w*(?:\(\))?|\w+\(\))$/.exec(word)?.[0].replace('()', '');
    return name === undefined || FOREIGN.has(name) ? undefined : isDeclared(name);
  }

  const wordsOf = (page: string): readonly string[] => [
    ...new Set([...readFileSync(page, 'utf8').matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word)),
  ];

  test.each(['CONTRIBUTING.md', 'docs/architecture.md'])('%s', (page) => {
    const words = wordsOf(page);
    expect(words.filter((word) => exists(word) === true).length).toBeGreaterThan(20);
    expect(words.filter((word) => exists(word) === false)).toEqual([]);
  });

  test('and what does not exist is noticed', () => {
    const gone = [
      'kb-rows.ts',
      'KNOWN',
      'src/guest/no.ts',
      'test/commands/apply/',
      'noSuchThing',
      'noSuchCall()',
    ];
    expect(gone.map((word) => [word, exists(word)])).toEqual(gone.map((word) => [word, false]));
  });
});
