import { AsyncLocalStorage } from 'node:async_hooks';
import { resolve } from 'node:path';
import { isAsciiOnly } from './charset.ts';

/*
 * Commands that a person is to type, for messages of all kinds. Whoever reads one may be in another folder, on a machine
 * with several guests mounted: typed as it stands there, it has to act on the guest that the message is about. So no text
 * spells a command of mptfix itself. `typed` writes it, with the options that name the guest, and marks where it ends.
 */

/** Which guest a run looks at, as the command line named it. */
export interface Whereabouts {
  /** The tree's folder, as an absolute path, or several of them; undefined: this machine. */
  readonly root?: string | readonly string[] | undefined;
  /** `[USER@]HOST` that ssh reaches, or several of them. */
  readonly host?: string | readonly string[] | undefined;
  /** What ssh is given for these, each as `ssh -o` takes it. */
  readonly sshOption?: readonly string[] | undefined;
  readonly kernel?: string | undefined;
}

/** What the options of a command line name, from wherever it is read. */
export function whereabouts({ root, host, sshOption, kernel }: Whereabouts): Whereabouts {
  const folders = root === undefined ? undefined : [root].flat().map((folder) => resolve(folder));
  return { root: folders, host, sshOption, kernel };
}

/** Which of the options that name the guest each command has; a test compares it with the command line. */
export const TARGET_OPTIONS = {
  check: ['root', 'host', 'sshOption', 'kernel'],
  plan: ['root', 'host', 'sshOption', 'kernel'],
  apply: ['root', 'host', 'sshOption', 'kernel'],
  build: ['root', 'kernel'],
  verify: [],
  status: ['root', 'host', 'sshOption', 'kernel'],
  rollback: ['root', 'host', 'sshOption', 'kernel'],
  recover: ['root', 'host', 'sshOption', 'kernel'],
  harden: ['root', 'host', 'sshOption', 'kernel'],
  diagnose: ['root', 'host', 'sshOption', 'kernel'],
  'watch once': ['root'],
  'watch follow': ['root'],
  'watch install': ['root'],
  'watch uninstall': ['root'],
  'watch test-mail': ['root'],
  demo: [],
} as const satisfies Readonly<Record<string, readonly (keyof Whereabouts)[]>>;
export type Verb = keyof typeof TARGET_OPTIONS;

/** Words with which a command changes a guest, which it does not do over ssh. */
const ONLY_HERE: Readonly<Partial<Record<Verb, readonly string[]>>> = {
  status: ['--prune'],
  recover: ['--apply'],
  harden: ['--apply', '--undo'],
};

const FLAGS: Readonly<Record<keyof Whereabouts, string>> = {
  root: '--root',
  host: '--host',
  sshOption: '--ssh-option',
  kernel: '--kernel',
};

const guest = new AsyncLocalStorage<Whereabouts>();

/** Runs `act`; the commands that it writes for a person name this guest. */
export function lookingAt<T>(where: Whereabouts, act: () => T): T {
  return guest.run(where, act);
}

let program: readonly string[] = ['mptfix'];

/** How mptfix is started where this run was: the words before the command's name. Called once, when the program starts. */
export function callMptfix(words: readonly string[]): void {
  program = words;
}

let line: readonly string[] = [];

/** The words of this run's command line, after those of `callMptfix`. Called once, when the program starts. */
export function callLine(words: readonly string[]): void {
  line = words;
}

/** The command of this run once more, as it was typed. */
export function typedSame(): string {
  return `\`${shellWords([...program, ...line])}\``;
}

/** What `typed` adds beside the words of the command. */
export interface TypedMore extends Whereabouts {
  /** What follows all options, for the shell: ` > plan.json`. Never text of unknown origin. */
  readonly tail?: string;
}

/**
 * A command of mptfix in backquotes, quoted for a shell, with the options that name the guest:
 * `` `mptfix rollback --force --root '/mnt/old guest'` ``.
 * @param words its own options and arguments; paths absolute
 * @param more another guest or kernel than the one that the run looks at
 */
export function typed(verb: Verb, words: readonly string[] = [], more: TypedMore = {}): string {
  const where = { ...guest.getStore(), ...more };
  const acts = words.some((word) => ONLY_HERE[verb]?.includes(word));
  const known = TARGET_OPTIONS[verb].filter((name) => !acts || (name !== 'host' && name !== 'sshOption'));
  const target = known.flatMap((name) => {
    return [where[name] ?? []].flat().flatMap((value) => [FLAGS[name], value]);
  });
  const line = `\`${shellWords([...program, ...verb.split(' '), ...words, ...target])}${more.tail ?? ''}\``;
  // A command without --host would act on this machine.
  if (where.host === undefined || known.length === 0 || known.includes('host')) return line;
  return `${line} (on ${[where.host].flat().join(', ')} itself)`;
}

/** The line that shows the help of a command, by its words; it names no guest. */
export function typedHelp(words: readonly string[]): string {
  return `\`${shellWords([...program, ...words, '--help'])}\``;
}

/** The same for what is read inside the guest, such as a comment in a file of its own: there it needs no option. */
export function typedInGuest(verb: Verb, words: readonly string[] = []): string {
  return shellWords(['mptfix', ...verb.split(' '), ...words]);
}

/** Commands of other programs on this machine in backquotes, quoted for a shell; of several, each only after the one before it. */
export function typedShell(...commands: readonly (readonly string[])[]): string {
  return `\`${commands.map(shellWords).join(' && ')}\``;
}

/** The same for what is done to the guest: with its own programs where it is a tree, so that this machine stays as it is. */
export function typedForGuest(...commands: readonly (readonly string[])[]): string {
  const ssh = sshToGuest();
  // ssh hands the login's shell one line: the words are quoted for it, and then for the shell here.
  if (ssh !== undefined) return typedShell(...commands.map((words) => [...ssh, shellWords(words)]));
  const [root, ...others] = [guest.getStore()?.root ?? []].flat();
  const isTree = root !== undefined && others.length === 0;
  return typedShell(...commands.map((words) => (isTree ? ['chroot', root, ...words] : words)));
}

/** The same for a line of sh that the guest itself has given to be typed there. */
export function typedLineForGuest(line: string): string {
  const ssh = sshToGuest();
  return ssh === undefined ? `\`${line}\` (on the guest itself)` : typedShell([...ssh, line]);
}

/** The words before those of the guest's command; undefined where no host or several are looked at. */
function sshToGuest(): readonly string[] | undefined {
  const { host: hosts = [], sshOption = [] } = guest.getStore() ?? {};
  const [host, ...others] = [hosts].flat();
  if (host === undefined || others.length > 0) return undefined;
  return ['ssh', ...sshOption.flatMap((option) => ['-o', option]), '--', host];
}

/** Words as a shell takes them: those that need it are quoted, and none holds what a terminal acts on. */
export function shellWords(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const NOT_ASCII = /[^\x20-\x7e]/gu;

function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  const hidden = isAsciiOnly() ? NOT_ASCII : HIDDEN;
  if (word.search(hidden) === -1) return `'${word.replaceAll("'", `'\\''`)}'`;
  const escaped = word
    .replace(/[\\']/g, '\\$&')
    .replace(hidden, (mark) =>
      [...Buffer.from(mark)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
    );
  return `$'${escaped}'`;
}
