import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { PARTS } from '../lab/parts.ts';
import { mptfix } from './helpers/cli.ts';

/** README.md and the pages of docs/ that it leads to: what a user reads, as one text. */
const README = [
  'README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
]
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n');

/** The options of each command, by its words, as `--help` lists them: `watch once` has `--root`. */
const commands = new Map<string, ReadonlySet<string>>();

/** Reads a command's help, and that of each command in it. */
async function learn(words: readonly string[]): Promise<void> {
  const { status, stdout } = await mptfix([...words, '--help']);
  expect([words, status]).toEqual([words, 0]);
  const [usage = '', list = ''] = stdout.split(/^Commands:$/m);
  const inner = [...list.matchAll(/^ {2}(\w\S*)/gm)].map((match) => match[1] ?? '');
  const options = [...usage.matchAll(/^ {2}(?:-\w, )?(--\S+)/gm)].map((match) => match[1] ?? '');
  if (inner.length === 0) commands.set(words.join(' '), new Set(options));
  for (const word of inner.filter((one) => one !== 'help')) await learn([...words, word]);
}
beforeAll(() => learn([]));

const optionsIn = (text: string): string[] => text.match(/(?<![\w-])--[a-z][a-z\d-]*/g) ?? [];
const named = (): Set<string> => new Set(optionsIn(README));
/** What `sh FILE --help` of a bundle prints. */
const BUNDLE = optionsIn(
  /^usage\(\) \{[\s\S]*?^\}/m.exec(readFileSync('src/bundle/sh/messages.sh', 'utf8'))?.[0] ?? '',
);
const known = (): Set<string> =>
  new Set([...BUNDLE, ...[...commands.values()].flatMap((options) => [...options])]);

/** What README.md and docs/ show to be typed: words in backquotes, and lines of their own, from the word `mptfix` on. */
function commandLines(): string[] {
  const typed = [...README.matchAll(/`([^`\n]+)`|^ {4}(\S.*)$/gm)].map((match) => match[1] ?? match[2] ?? '');
  return typed.flatMap((line) => /(?:^|^sudo |-- )mptfix ([a-z].*)$/.exec(line)?.[1] ?? []);
}

/** The command that a line begins with, of one word or two. */
function commandOf(line: string): string | undefined {
  const [first = '', second = ''] = line.split(' ');
  return [`${first} ${second}`, first].find((name) => commands.has(name));
}

const WATCH_ALONE = 'watch';

describe('README.md with docs/ and --help agree:', () => {
  test('each names every option that the other one has', () => {
    // commander's own two, those of `npm run lab`, one of cp, and those of docker and buildah.
    const ofLab = Object.values(PARTS).flatMap(({ options = {} }) => Object.keys(options));
    const own = new Set([
      ...ofLab.map((name) => `--${name}`),
      '--help',
      '--version',
      '--demo',
      '--preserve',
      '--build-arg',
      '--isolation',
      '--rm',
    ]);
    expect([...named()].filter((option) => !known().has(option) && !own.has(option))).toEqual([]);
    expect([...known()].filter((option) => !named().has(option) && !own.has(option))).toEqual([]);
  });

  test('every command is there to be typed, and nothing that is no command', () => {
    const lines = commandLines();
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.filter((line) => commandOf(line) === undefined && line !== WATCH_ALONE)).toEqual([]);
    const unnamed = [...commands.keys()].filter((name) => !lines.some((line) => commandOf(line) === name));
    // `mptfix watch once` is there in full, and a paragraph continues with `watch follow`; the demo is a script.
    expect(
      unnamed.filter((name) => !README.includes(`\`${name}\``) && !README.includes(`npm run ${name}`)),
    ).toEqual([]);
  });

  test('a command is shown with its own options only', () => {
    for (const line of commandLines()) {
      const has = commands.get(commandOf(line) ?? '') ?? new Set();
      expect([line, optionsIn(line).filter((option) => !has.has(option))]).toEqual([line, []]);
    }
  });

  test('what it says of every command holds', () => {
    const without = (option: string): string[] =>
      [...commands].filter(([, options]) => !options.has(option)).map(([name]) => name);
    expect([without('--json'), without('--verbose'), without('--root')]).toEqual([
      [],
      [],
      ['verify', 'demo'],
    ]);
    const watches = [...commands.keys()].filter((name) => name.startsWith('watch '));
    expect(without('--kernel').sort()).toEqual(['demo', 'verify', ...watches].sort());
    for (const name of ['apply', 'rollback'])
      expect([name, without('--yes').includes(name), without('--dry-run').includes(name)]).toEqual([
        name,
        false,
        false,
      ]);
  });

  test('words that an option takes are the same', async () => {
    const { stdout } = await mptfix(['apply', '--help']);
    const choices = /--placement[\s\S]*?choices:\s+([^)]*?), default/.exec(stdout)?.[1] ?? '';
    const documented = [...README.matchAll(/`--placement ([a-z-]+)`/g)].map((match) => match[1]);
    expect([...new Set(documented)]).toEqual(choices.split(/,\s+/).map((word) => word.replaceAll('"', '')));
  });
});

test('plan takes what apply takes, but what is for doing it', () => {
  const doing = ['--yes', '--dry-run', '--install-tools', '--plan', '--bundle', '--fail-fast'];
  const apply = [...(commands.get('apply') ?? [])].filter((option) => !doing.includes(option));
  const plan = [...(commands.get('plan') ?? [])];
  expect(plan.sort()).toEqual(apply.sort());
});
