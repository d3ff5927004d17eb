import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readInstaller } from '../../../src/bundle/installer.ts';
import { shQuote } from '../../../src/sh-quote.ts';
import { spansIn } from '../../helpers/typed-commands.ts';
import { ERAS } from '../../initramfs/era-guest.ts';
import { sh, temporary } from '../../machine/temporary.ts';
import { type OldGuest, oldGuest, SHELLS } from '../old-guest.ts';

/*
 * What a bundle prints to be typed works when it is typed. Every such command is written by `typed_shell` of `messages.sh` or by
 * what calls it; here the calls are taken from the source itself, so that none is forgotten.
 */

const RHEL_5 = ERAS[0] as (typeof ERAS)[number];
const CALL = /\$\((typed(?:_\w+)?(?: (?:"[^"]*"|'[^']*'|[^()"'])*)?)\)/g;
/** Programs that a person may be told to type, in the place of which one stands that writes down its words. */
const PROGRAMS = ['sh', 'rm', 'mount', 'chown', 'chmod', 'chroot', 'crontab', 'mptfix'];

/** The functions of the installer alone: nothing is run. */
async function functions(): Promise<string> {
  const text = await readInstaller();
  return text.slice(text.indexOf('\nusage() {'), text.lastIndexOf('\nmain "$@"'));
}

async function calls(): Promise<readonly string[]> {
  const bodies = (await functions()).replaceAll(/^ *#.*$/gm, '');
  return [...new Set([...bodies.matchAll(CALL)].map(([, call = '']) => call))];
}

const NASTY = `-a  b'c"d$(touch pwned)\`touch pwned\`\\e;*&|!~#%s%%\\101`;
/** Latin-1, so that a sign is a byte. */
const NAMES = {
  'with the signs of a shell': [`/root/${NASTY}`, `/mnt/${NASTY}/-x`],
  'with bytes that JSON and terminals do not take': ["/root/a\xe9\x1b]0;x\x07\x9b\xff '.run", `/mnt/\tb\xc3`],
  'with ends of a line': [`/root/\n${NASTY}\n\n`, `/mnt/${NASTY}`],
  'on the guest itself': [`/root/it's.run`, ''],
} as const;

interface Typed {
  readonly call: string;
  /** The words that it was to print. */
  readonly words: readonly string[];
  readonly printed: string;
}

/** What each call prints under a shell, for a file and a tree. */
async function print(
  words: readonly string[],
  [file, root]: readonly [string, string],
  folder: string,
): Promise<readonly Typed[]> {
  const all = await calls();
  const script = [
    await functions(),
    `itself=${shQuote(file)} root=${shQuote(root)} state_name=/var/lib/mptfix`,
    "command=apply yes=1 force=1 json=1 nagios='' schedule='' address=root@x relay='[::1]:25' prometheus='/a b'",
    'mounted=$root/boot; set -- "$root/one" two',
    ...all.map((call) => `${call}; printf '\\000'`),
    `typed_shell() { for w in "$@"; do printf '%s\\001' "$w"; done; }`,
    ...all.map((call) => `${call}; printf '\\000'`),
  ].join('\n');
  const path = join(folder, 'print.sh');
  writeFileSync(path, Buffer.from(script, 'latin1'));
  const [program = '', ...options] = words;
  const { stdout, stderr } = spawnSync(program, [...options, path], { encoding: 'latin1' });
  expect(stderr).toBe('');
  const parts = stdout.split('\0');
  return all.map((call, at) => ({
    call,
    printed: parts[at] ?? '',
    words: (parts[all.length + at] ?? '').split('\x01').slice(0, -1),
  }));
}

/** A folder for PATH that has nothing but programs that write down their words. */
function recorders(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const recorder = `#!/bin/dash\nprintf '%s\\001' "\${0##*/}" "$@"; printf '\\002'\n`;
  for (const name of PROGRAMS) writeFileSync(join(bin, name), recorder, { mode: 0o755 });
  symlinkSync('/usr/bin/printf', join(bin, 'printf'));
  return bin;
}

const FOUR = SHELLS.slice(0, 4);

describe.each(FOUR)('under %s', (_, shell) => {
  test.each(Object.entries(NAMES))(
    'each command that is printed is that command when typed: %s',
    async (_of, names) => {
      const folder = await temporary();
      const PATH = recorders(folder);
      const all = await print(shell, names, folder);
      expect(all.length).toBeGreaterThan(12);
      const [program = '', ...options] = shell;
      for (const { call, printed } of all)
        expect([call, printed]).toEqual([call, expect.stringMatching(/^`[ -~]+`$/)]);
      const lines = all.map(({ printed }) => printed.slice(1, -1));
      const typed = spawnSync(sh('command -v "$1"', program).trim(), [...options, '-c', lines.join('\n')], {
        cwd: folder,
        encoding: 'latin1',
        env: { PATH },
        // bash takes a socket for a login from elsewhere.
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      expect(typed.stderr).toBe('');
      const words = typed.stdout.split('\x02').map((one) => one.split('\x01').slice(0, -1));
      expect(words.slice(0, -1)).toEqual(all.map((one) => one.words));
      expect(
        sh('ls "$1"', folder)
          .split('\n')
          .filter((name) => name !== ''),
      ).toEqual(['bin', 'print.sh']);
    },
  );
});

test('who follows what it says comes to the end, with a name that a shell would read', {
  timeout: 240_000,
}, async () => {
  const guest = await oldGuest(RHEL_5, ['dash'], { tools: ['sha256sum'] });
  for (const [at, [, [program = '']]] of FOUR.entries())
    await follow(guest, { program, file: at % 2 === 0 ? NASTY : `${NASTY}\n`, installs: at < 2 });
  const folder = await temporary();
  for (const name of ['a', 'a\n']) mkdirSync(join(folder, name));
  symlinkSync('a\n', join(folder, 'link'));
  // The first two would be another guest than the one that was meant.
  for (const root of ['', `${folder}/a\n`, `${folder}/link`]) {
    const run = spawnSync('dash', [join(guest.root, 'bundle.run'), 'status', '--json', '--root', root], {
      encoding: 'utf8',
    });
    expect([run.status, JSON.parse(run.stdout).error.code]).toEqual([2, 'E_USAGE']);
  }
});

/** Types each command as the one before has printed it, from another folder; the guest is in the end as it was. */
async function follow(
  guest: OldGuest,
  {
    program,
    file,
    installs,
  }: { readonly program: string; readonly file: string; readonly installs: boolean },
): Promise<void> {
  const folder = await temporary();
  mkdirSync(join(folder, 'bin'));
  symlinkSync(sh('command -v "$1"', program).trim(), join(folder, 'bin/sh'));
  copyFileSync(join(guest.root, 'bundle.run'), join(folder, file));
  const root = join(folder, 'trees', NASTY);
  mkdirSync(join(folder, 'trees'));
  renameSync(guest.root, root);
  const PATH = `${join(folder, 'bin')}:${process.env.PATH}`;
  const typing = (line: string, cwd: string): SpawnSyncReturns<string> =>
    spawnSync('sh', ['-c', line], { cwd, encoding: 'utf8', env: { ...process.env, PATH } });
  /** The code or result of the one line of JSON, and the one command in it. */
  const answer = (line: string, cwd = '/'): readonly [string, string] => {
    const { stdout, stderr } = typing(line, cwd);
    expect(stdout.trim().split('\n'), `${program}: ${line}: ${stdout}${stderr}`).toHaveLength(1);
    const { result, detail, error } = JSON.parse(stdout || stderr);
    const [span = '', ...others] = spansIn(error?.next ?? detail);
    expect(others).toEqual([]);
    return [error?.code ?? result, span];
  };
  const place = join(root, guest.modulePath);
  const old = readFileSync(place);
  const [affected, apply] = answer(
    `sh -- ${shQuote(file)} check --json --root ${shQuote(`trees/${NASTY}`)}`,
    folder,
  );
  expect(affected).toBe('affected');
  const [asks, withYes] = answer(`${apply} --json`);
  expect(asks).toBe('E_CONFIRM_REQUIRED');
  const rollback = apply.replace(' apply ', ' rollback ');
  // For a person, and of what is wrong with the command line itself.
  const { stderr } = typing(`${rollback} --no-such-option`, '/');
  expect(typing(spansIn(stderr).at(-1) ?? '', '/').stdout).toContain('put back what was there before');
  if (installs) {
    expect(answer(withYes)).toEqual(['installed', '']);
    writeFileSync(place, 'of somebody else');
    const [changed, byForce] = answer(`${rollback} --json --yes`);
    expect(changed).toBe('E_FILE_CHANGED');
    const [again, forced] = answer(`${byForce} --json`);
    expect(again).toBe('E_CONFIRM_REQUIRED');
    expect(answer(forced)).toEqual(['rolled-back', '']);
    expect(readFileSync(place)).toEqual(old);
  }
  renameSync(root, guest.root);
  expect(sh('find "$1" -name pwned', folder)).toBe('');
}

test('every command that a text has to be typed is written by one function', async () => {
  const text = (await functions())
    .replaceAll(/^ *#.*$/gm, '')
    .replaceAll(CALL, '')
    .replaceAll(/ awk .*?'\n?(?:\n|$)/gs, '\n');
  const texts = [...text.matchAll(/"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/g)].map(([one]) => one);
  const commands = texts.filter(
    (one) =>
      /\bsh (?:\$0|FILE|"?\$self|"?\$itself)|\bmptfix (?:apply|check|plan|rollback|status|build --|watch (?:once|install|uninstall))/.test(
        one,
      ) ||
      /(?:then|again|anyway|same|install|this|:) (?:sh|rm|mount|umount|chown|chmod|crontab|sudo|ln|mv|chroot) [-$/\w]/.test(
        one,
      ),
  );
  expect(commands).toEqual([]);
});
