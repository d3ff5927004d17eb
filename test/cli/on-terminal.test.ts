import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { learnCharset } from '../../src/charset.ts';
import { commandLine } from '../../src/cli/commands.ts';
import { shownHere } from '../../src/ui/ascii.ts';
import { width } from '../../src/ui/wrap.ts';
import { buildableGuest } from '../helpers/buildable-guest.ts';
import { requireDocuments } from '../helpers/documents.ts';
import { hungFolder } from '../helpers/hung-folder.ts';
import { onTerminal } from '../helpers/terminal.ts';
import { troubledGuest } from '../helpers/troubled-guest.ts';
import { sh } from '../machine/temporary.ts';

let base = '';
let root = '';
let source = '';
beforeAll(async () => {
  base = mkdtempSync('/var/tmp/mptfix-terminal-');
  sh('chmod 755 "$1"', base);
  // Its very name is one that an old terminal cannot show.
  [root, source] = [join(base, 'gäst“1”/root'), join(base, 'source')];
  await troubledGuest(root, source);
  buildableGuest(join(base, 'affected'), join(base, 'affected-source'));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** What the commands say of that guest; `%root` and `%source` stand for its paths. */
const LINES = [
  'check --root %root',
  'check --source %source',
  'check --module /nowhere',
  'plan --root %root --source %source --offline',
  'plan --root %root --source /nowhere/ü',
  'apply --root %root --source %source --offline --dry-run',
  'apply --root %root --source %source --offline --yes',
  'build --root %root --source %source --offline --no-cache --output %base/out',
  'status --root %root',
  'rollback --root %root --dry-run',
  'recover --root %root',
  'harden --root %root',
  'harden --root %root --apply errors=remount-ro timeout=180 --dry-run',
  'harden --root %root --apply errors=no',
  'diagnose --root %root',
  'diagnose --root %root --since nothing',
  'watch once --root %root',
  'watch once --root %root --nagios',
  'watch install --root %root --to root --dry-run',
  'watch uninstall --root %root --dry-run',
  'watch test-mail --root %root',
  'fix --root %root',
];

const words = (line: string): readonly string[] =>
  line
    .split(' ')
    .map((word) => word.replace('%root', root).replace('%source', source).replace('%base', base));

/** The words of every command. */
const COMMANDS = commandLine(async () => {}).commands.flatMap((one) => [
  [one.name()],
  ...one.commands.map((inner) => [one.name(), inner.name()]),
]);

const COLUMNS = 60;

/** What could not be broken: one word or command, after its label; a line to type; a file's own text. */
function isWhole(line: string): boolean {
  const rest = line
    .trim()
    .replace(/`[^`]*`/g, 'x')
    .replace(/^[\w’' .-]{1,24}:? +/, '');
  return !rest.includes(' ') || /^\s*\$ |^[-+ @]|^ {7}/.test(line);
}

describe('words wrap at the width of the terminal:', () => {
  // A plugin's answer is one line, whoever reads it.
  test.each(LINES.filter((line) => !line.endsWith('--nagios')))('%s', async (line) => {
    const { text } = await onTerminal(words(line), { columns: COLUMNS });
    expect(text.split('\n').filter((one) => width(one) > COLUMNS && !isWhole(one))).toEqual([]);
    expect(text.length).toBeGreaterThan(20);
  });

  test.each(COMMANDS.map((one) => one.join(' ')))('%s --help', async (line) => {
    const { status, text } = await onTerminal([...line.split(' '), '--help'], { columns: COLUMNS });
    expect(status).toBe(0);
    expect(text.split('\n').filter((one) => width(one) > COLUMNS && !isWhole(one))).toEqual([]);
  });

  test('and nowhere else', async () => {
    const narrow = sh(
      'stty() { :; }; COLUMNS=60 "$1" bin/mptfix.cjs check --root "$2" || true',
      process.execPath,
      root,
    );
    expect(narrow.split('\n').some((line) => line.length > 100)).toBe(true);
  });
});

/** Words that logs have in other languages: read, never written. */
const READ_ONLY = new Set(['kernel-log/months.ts', 'kernel-log/dates.ts']);

const ASCII = /^[\t\n\r\x20-\x7e]*$/;
const PLAIN = { TERM: 'dumb', LANG: 'C' };

describe('TERM=dumb and LANG=C: neither colours nor cursor movements, and only ASCII:', () => {
  test.each(LINES.flatMap((line) => [line, `${line} --json`, `${line} --verbose`]))('%s', async (line) => {
    const { screen } = await onTerminal(words(line), { env: PLAIN });
    expect(screen.split('\n').filter((one) => !ASCII.test(one))).toEqual([]);
  });

  test.each([[], ...COMMANDS].map((one) => one.join(' ')))('%s --help', async (line) => {
    const args = [...line.split(' ').filter(Boolean), '--help'];
    const { screen } = await onTerminal(args, { env: PLAIN });
    expect(screen.split('\n').filter((one) => !ASCII.test(one))).toEqual([]);
  });

  test('a live list is drawn in ASCII, too', async () => {
    const args = words('build --root %root --source %source --offline --no-cache --output %base/out');
    const { text, screen } = await onTerminal(args, { env: { LC_ALL: 'POSIX', LANG: 'de_DE.UTF-8' } });
    expect(screen).toContain('\u001b[');
    expect(text.split('\n').filter((one) => !ASCII.test(one))).toEqual([]);
  });

  test('every sign that our own texts have has another in its place', () => {
    learnCharset({ LANG: 'C' });
    onTestFinished(() => learnCharset({}));
    const texts = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('ui/ascii') && !READ_ONLY.has(name))
      .map((name) => readFileSync(join('src', name), 'utf8'));
    const signs = new Set(texts.join('').match(/[^\0-\x7f]/gu));
    expect(signs.size).toBeGreaterThan(4);
    expect([...signs].filter((sign) => shownHere(sign).startsWith('\\'))).toEqual([]);
  });
});

test('colours and a live list are there where the terminal can show them', async () => {
  const { screen } = await onTerminal(words('check --root %root'));
  expect(screen).toContain('\u001b[31m');
});

/** A guest that is not changed by the runs that are stopped. */
const affected = (): readonly string[] => [
  ...['--root', join(base, 'affected'), '--source', join(base, 'affected-source')],
  ...['--offline', '--no-cache'],
];

describe('at the question', () => {
  test.each([
    ['Ctrl-C', '\u0003', 130, 'E_INTERRUPTED'],
    ['Ctrl-D', '\u0004', 2, 'E_DECLINED'],
    ['n', 'n\n', 2, 'E_DECLINED'],
    ['nothing', '\n', 2, 'E_DECLINED'],
  ])('%s is answered at once', async (_, typed, status, code) => {
    for (const env of [{}, { TERM: 'dumb' }]) {
      const run = await onTerminal(['apply', ...affected()], { keys: [['[y/N] ', typed]], env });
      expect([run.status, run.text]).toEqual([status, expect.stringContaining(code)]);
    }
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends the run, and with --json there is one document', async (name, status) => {
    const out = join(base, `${name}.json`);
    const args = ['apply', ...affected(), '--json'];
    const program = ['sh', '-c', 'exec "$@" >"$0"', out, process.execPath, 'bin/mptfix.cjs'];
    const run = await onTerminal(args, { signal: ['[y/N] ', name], program });
    expect([run.status, run.text]).toEqual([status, expect.stringContaining('E_INTERRUPTED')]);
    const text = readFileSync(out, 'utf8');
    requireDocuments(text);
    expect(JSON.parse(text).error.code).toBe('E_INTERRUPTED');
  });

  test('yes goes on', async () => {
    const copy = join(base, 'copy');
    cpSync(join(base, 'affected'), copy, { recursive: true });
    const args = ['apply', ...affected(), '--root', copy];
    const run = await onTerminal(args, { keys: [['[y/N] ', 'yes\n']] });
    expect([run.status, run.text]).toEqual([0, expect.stringContaining('patched: ')]);
  });
});

describe('a signal ends', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('the demo, by %s, and nothing of it is left', async (name, status) => {
    const work = mkdtempSync(join(base, 'demo-'));
    sh('chmod 755 "$1"', work);
    const run = await onTerminal(['demo', '--work', work], { signal: ['Fetch the newest kernel', name] });
    expect([run.status, run.text]).toEqual([status, expect.stringContaining('E_INTERRUPTED')]);
    expect(readdirSync(work)).toEqual([]);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('watch follow by %s, with documents a line each', async (name, status) => {
    const program = ['sh', '-c', 'exec "$@" 2>/dev/null', 'sh', process.execPath, 'bin/mptfix.cjs'];
    const run = await onTerminal(['watch', 'follow', '--json', '--root', root], {
      signal: ['mptfix.', name],
      program,
    });
    expect(run.status).toBe(status);
    for (const line of run.text.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
  });

  test('a watch once that hangs, with one document', async () => {
    const program = [
      'sh',
      '-c',
      '(sleep 2; kill -TERM $$) & exec "$@" 2>/dev/null',
      'sh',
      process.execPath,
      'bin/mptfix.cjs',
    ];
    const run = await onTerminal(['watch', 'once', '--json', '--root', await hungFolder()], { program });
    expect([run.status, JSON.parse(run.text).error.code]).toEqual([143, 'E_INTERRUPTED']);
  });

  test('a live list, and shows the cursor again', async () => {
    const args = ['build', ...affected(), '--output', join(base, 'never')];
    const run = await onTerminal(args, { signal: ['Fetch packages', 'SIGINT'] });
    expect(run.status).toBe(130);
    expect(run.screen.lastIndexOf('\u001b[?25h')).toBeGreaterThan(run.screen.lastIndexOf('\u001b[?25l'));
  });
});
