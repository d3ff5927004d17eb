import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { commandLine } from '../src/cli/commands.ts';
import {
  callMptfix,
  lookingAt,
  shellWords,
  TARGET_OPTIONS,
  typed,
  typedForGuest,
  typedHelp,
  typedShell,
  whereabouts,
} from '../src/typed.ts';
import { requireTypedCommands, shellWordsOf, spansIn } from './helpers/typed-commands.ts';

afterEach(() => callMptfix(['mptfix']));

describe('a command to type', () => {
  const about = { root: '/mnt/old guest', kernel: '2.6.18-8.el5' };

  test('names the guest that the run looks at', () => {
    expect(typed('rollback', ['--force'])).toBe('`mptfix rollback --force`');
    expect(lookingAt(about, () => typed('rollback', ['--force']))).toBe(
      "`mptfix rollback --force --root '/mnt/old guest' --kernel 2.6.18-8.el5`",
    );
    expect(lookingAt(about, () => typed('watch uninstall'))).toBe(
      "`mptfix watch uninstall --root '/mnt/old guest'`",
    );
    expect(lookingAt(about, () => typed('demo'))).toBe('`mptfix demo`');
    expect(lookingAt({ root: ['/a', '/b'] }, () => typed('status'))).toBe(
      '`mptfix status --root /a --root /b`',
    );
  });

  test('names another kernel where the message is about that one', () => {
    expect(lookingAt(about, () => typed('check', [], { kernel: '3.2.0-4-amd64' }))).toContain(
      '--kernel 3.2.0-4-amd64`',
    );
  });

  test('names the guest by its whole path, from wherever it was named', () => {
    expect(lookingAt(whereabouts({ root: 'guest' }), () => typed('check'))).toBe(
      `\`mptfix check --root ${join(process.cwd(), 'guest')}\``,
    );
  });

  test('keeps what follows its options behind them', () => {
    expect(lookingAt(about, () => typed('plan', ['--json'], { tail: ' > plan.json' }))).toMatch(
      /el5 > plan\.json`$/,
    );
  });

  test('begins as this run was begun', () => {
    callMptfix(['npm', '--prefix', '/home/jo/my tools', 'run', '-s', 'mptfix', '--']);
    expect(typed('check')).toBe("`npm --prefix '/home/jo/my tools' run -s mptfix -- check`");
    expect(typedHelp(['watch', 'once'])).toMatch(/mptfix -- watch once --help`$/);
  });

  test('of another program changes a guest’s tree by the tree’s own programs', () => {
    expect(typedForGuest(['dpkg', '--configure', '-a'])).toBe('`dpkg --configure -a`');
    expect(lookingAt(about, () => typedForGuest(['chown', 'root:', '/etc/x y'], ['sync']))).toBe(
      "`chroot '/mnt/old guest' chown root: '/etc/x y' && chroot '/mnt/old guest' sync`",
    );
    expect(lookingAt(about, () => typedShell(['umount', '/x']))).toBe('`umount /x`');
  });

  test('is read by a shell as it was meant, whatever the words hold', () => {
    const word = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 12 })
      .filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
        const line = shellWords(words);
        expect(shellWordsOf(line)).toEqual(words);
        expect(spansIn(`say ${typedShell(words)} then`)).toEqual([line]);
      }),
      { numRuns: 500 },
    );
    const odd = [
      "it's",
      'a b',
      '$(id)',
      '`id`',
      '\u001b[2K',
      'line\nbreak',
      '‮',
      '\\',
      '*',
      '~',
      '',
      '!',
      '#x',
    ];
    const print = `printf '%s\\0' ${shellWords(odd)}`;
    expect(execFileSync('bash', ['-c', print]).toString()).toBe(`${odd.join('\0')}\0`);
  });
});

test('each command names the guest by the options that it has', () => {
  const found: Record<string, readonly string[]> = {};
  const flags = { root: '--root', host: '--host', sshOption: '--ssh-option', kernel: '--kernel' };
  const walk = (command: Command, words: readonly string[]): void => {
    const inner = command
      .createHelp()
      .visibleCommands(command)
      .filter((one) => one.name() !== 'help');
    const own = command.options.map(({ long }) => long);
    if (inner.length === 0)
      found[words.join(' ')] = Object.entries(flags).flatMap(([name, flag]) =>
        own.includes(flag) ? [name] : [],
      );
    for (const one of inner) walk(one, [...words, one.name()]);
  };
  walk(
    commandLine(async () => {}),
    [],
  );
  expect(TARGET_OPTIONS).toEqual(found);
});

/** The files of the program, and those of its help, whose examples are for everybody. */
const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(?:ts|sh)$/.test(path))
  .map((path) => ({ path: join('src', path), text: readFileSync(join('src', path), 'utf8') }));
const EXAMPLES = /\/declare\.ts$|^src\/cli\/commands\.ts$/;
/** sh that runs where no mptfix is: it names the one of the machine that built it. */
const ELSEWHERE = /^src\/bundle\/sh\/|^src\/build\/elsewhere\/compile\.sh$/;

/** The lines that are no comment. */
function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => !/^\s*(?:\/?\*|\/\/|#)/.test(line));
}

describe('no text of the program', () => {
  test('spells a command of mptfix: typed() writes it', () => {
    const verbs = Object.keys(TARGET_OPTIONS).join('|');
    const spelled = new RegExp(`mptfix (?:${verbs})\\b(?![:;,])`);
    const found = sources
      .filter(({ path }) => !EXAMPLES.test(path) && !ELSEWHERE.test(path))
      .flatMap(({ path, text }) =>
        linesOf(text).flatMap((line) => (spelled.test(line) ? [`${path}: ${line.trim()}`] : [])),
      );
    expect(found).toEqual([]);
  });

  test('names a package of a registry that is not ours', () => {
    const foreign = /\bnpx\b|\bnpm (?:i|install|exec|x)\b(?! -g \.)/;
    const pages = ['README.md', ...readdirSync('docs').map((name) => join('docs', name))]
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) => readFileSync(path, 'utf8').split('\n'));
    const lines = [...sources.flatMap(({ text }) => linesOf(text)), ...pages];
    // The packed checkout itself.
    expect(lines.filter((line) => foreign.test(line) && !/npm install -g \.\/mptfix-/.test(line))).toEqual(
      [],
    );
  });

  test('names how a distro installs packages, but the tables for this machine and for a tree of any time', () => {
    const tables = ['/machine/installers.ts', '/build/toolchain/install-in-tree.ts'];
    const installs = /(?:apt-get|apt|dnf|yum|zypper)',? (?:'?install)/;
    const found = sources.filter(
      ({ path, text }) => !tables.some((table) => path.endsWith(table)) && installs.test(text),
    );
    expect(found.map(({ path }) => path)).toEqual([]);
  });
});

describe('what the tests hold every printed command against:', () => {
  const of = (text: string, ...args: readonly string[]): Promise<void> =>
    requireTypedCommands(args, { stdout: '', stderr: text });

  test.each([
    ['an option that there is not', 'next: `mptfix rollback --fore`', ['check'], /unknown option/],
    ['a missing value', 'next: `mptfix rollback --to`', ['check'], /argument missing/],
    ['no command', 'next: `mptfix frobnicate`', ['check'], /names no command/],
    [
      'this machine in place of the guest',
      'see `mptfix status`',
      ['check', '--root', '/mnt'],
      /another guest/,
    ],
    ['another guest', 'see `mptfix status --root /srv`', ['check', '--root', '/mnt'], /another guest/],
    ['a relative path', 'see `mptfix status --root mnt`', ['check', '--root', 'mnt'], /not an absolute/],
    ['no kernel', 'see `mptfix status`', ['check', '--kernel', '3.2.0'], /does not name the kernel/],
    [
      'a path with a space',
      'see `mptfix status --root /a b`',
      ['check', '--root', '/a b'],
      /too many arguments/,
    ],
    ['no backquotes', 'next: mptfix status --root /mnt', ['check', '--root', '/mnt'], /without backquotes/],
    ['no sh', '  next: `if then`', ['check'], /not a shell/],
  ])('%s', async (_, text, args, problem) => {
    await expect(of(text, ...args)).rejects.toThrow(problem);
  });

  test('a right one', async () => {
    await of("  next: `mptfix status --root '/a b'`; then `sync && reboot`", 'check', '--root', '/a b');
    await of('  next: `npm --prefix /opt/x run -s mptfix -- status`', 'check');
  });
});
