import { basename } from 'node:path/posix';
import { type BootEntryRequest, fallbackTitle, type NamedRequest } from '../entry.ts';
import { type Command, commandsInside, literal, nameOf, type Range, type Script, spelled } from './script.ts';

/** linux16 and initrd16 on BIOS, linuxefi and initrdefi on UEFI: Red Hat's GRUB 2.02. */
const LINUX: readonly (string | undefined)[] = ['linux', 'linux16', 'linuxefi'];
const INITRD: readonly (string | undefined)[] = ['initrd', 'initrd16', 'initrdefi'];

/** Options of menuentry that take a word of their own. Source: grub-core/commands/menuentry.c. */
const WITH_VALUE: readonly string[] = ['--class', '--users', '--source', '--hotkey', '--id', '-c', '-u'];

export interface MenuEntry {
  readonly title: string;
  /** The whole entry, ending with a line break. */
  readonly text: string;
}

/**
 * The entry for the old initramfs: the first one that boots this kernel with its initramfs, with another title, another
 * id and the old image, and without what would make it the default. Undefined where there is no such entry.
 */
export function fallbackEntry(script: Script, request: NamedRequest): MenuEntry | undefined {
  for (const [index, entry] of script.commands.entries()) {
    if (nameOf(script, entry) !== 'menuentry' || entry.body === undefined || !inMenu(script, entry)) continue;
    const inside = commandsInside(script, index);
    const kernels = wordsOf(script, inside, LINUX).map(renameBy(script, request.names.kernel));
    const images = wordsOf(script, inside, INITRD).map(renameBy(script, request.names.fallback));
    const [kernel, image] = [kernels, images].map((all) => all.filter((change) => change !== undefined));
    if (!kernel?.length || !image?.length) continue;
    return derive(script, { entry, body: entry.body, inside, renamed: [...kernel, ...image] }, request);
  }
  return undefined;
}

/** Whether GRUB shows it: at the top or in a submenu, not in a function that nobody may call. */
function inMenu(script: Script, entry: Command): boolean {
  const { parent } = entry;
  return parent === undefined || (nameOf(script, parent) === 'submenu' && inMenu(script, parent));
}

/** An initrd command may have other words before the image, such as microcode. */
function wordsOf(
  script: Script,
  inside: readonly Command[],
  names: readonly (string | undefined)[],
): readonly Range[] {
  return inside
    .filter((command) => names.includes(nameOf(script, command)))
    .flatMap((command) => command.words.slice(1));
}

/** Another path in the place of a word that names the file; undefined: it names another one. */
function renameBy(script: Script, rename: (word: string) => string | undefined) {
  return (word: Range): Change | undefined => {
    const old = spelled(script, word);
    const path = rename(old);
    if (path === undefined) return undefined;
    const raw = script.text.slice(word.from, word.to);
    // As it was written, quotes and all, where that shows what is to be replaced.
    const folder = old.slice(0, old.length - basename(old).length);
    const [from, to] = [basename(old), basename(path)];
    const at = raw.lastIndexOf(from);
    if (at !== -1 && path === folder + to)
      return { ...word, put: raw.slice(0, at) + to + raw.slice(at + from.length) };
    return /^[\w.+~:@/(){}$,-]+$/.test(path) ? { ...word, put: `"${path}"` } : undefined;
  };
}

interface Found {
  readonly entry: Command;
  readonly body: Range;
  readonly inside: readonly Command[];
  readonly renamed: readonly Change[];
}

type Change = Range & { readonly put: string };

function derive(
  script: Script,
  { entry, body, inside, renamed }: Found,
  request: BootEntryRequest,
): MenuEntry {
  const { text } = script;
  const from = entry.words[0]?.from ?? 0;
  const head = heading(script, entry, request);
  const changes: Change[] = [
    ...renamed,
    ...inside
      .filter((command) => nameOf(script, command) === 'savedefault')
      .map((command) => withoutCommand(text, command)),
  ];
  const content = replaced(text, body, changes);
  const lines = `${head.text}{${content}}\n`;
  const whole = inside
    .flatMap(({ words }) => words)
    .every((word) => !text.slice(word.from, word.to).includes('\n'));
  return { title: head.title, text: whole ? outdented(lines, indentBefore(text, from)) : lines };
}

/** A piece of the text with the changes, of which none reaches out of it and none into another. */
function replaced(text: string, { from, to }: Range, changes: readonly Change[]): string {
  const parts: string[] = [];
  let at = from;
  for (const change of changes.toSorted((one, other) => one.from - other.from)) {
    parts.push(text.slice(at, change.from), change.put);
    at = change.to;
  }
  return parts.join('') + text.slice(at, to);
}

/** `menuentry TITLE options`, up to the brace. */
function heading(script: Script, entry: Command, request: BootEntryRequest): { title: string; text: string } {
  const kept: string[] = [];
  let title: string | undefined;
  for (let index = 1; index < entry.words.length; index += 1) {
    const word = entry.words[index] as Range;
    const raw = script.text.slice(word.from, word.to);
    const value = literal(script, word);
    const option = /^\$\{?menuentry_id_option\}?$/.test(raw) ? '--id' : value;
    const next = entry.words[index + 1];
    const takesNext = WITH_VALUE.includes(option ?? '') && next !== undefined;
    if (takesNext) index += 1;
    if (option === '--id' || option?.startsWith('--id=')) {
      const name = quoted(`mptfix-${request.generation}-${request.release}`);
      kept.push(option === '--id' ? `${raw} ${name}` : `--id=${name}`);
    } else if (option === '--hotkey' || option?.startsWith('--hotkey=')) {
      // The key stays the first entry's.
    } else if (takesNext) kept.push(`${raw} ${script.text.slice(next.from, next.to)}`);
    else if (option?.startsWith('-')) kept.push(raw);
    else title ??= value;
  }
  const name = fallbackTitle(title, request);
  return { title: name, text: ['menuentry', quoted(name), ...kept, ''].join(' ') };
}

/** As grub-mkconfig's own `grub_quote`. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The whole line where nothing else is on it; else a command that does nothing. */
function withoutCommand(text: string, command: Command): Change {
  const from = command.words[0]?.from ?? 0;
  const to = command.words.at(-1)?.to ?? from;
  // Not by a search for the line's ends: all commands of a menu may be on one line.
  let start = from;
  while (start > 0 && BLANK.test(text[start - 1] ?? '')) start -= 1;
  let end = to;
  while (end < text.length && BLANK.test(text[end] ?? '')) end += 1;
  const alone = (start === 0 || text[start - 1] === '\n') && text[end] === '\n';
  return alone ? { from: start, to: end + 1, put: '' } : { from, to, put: 'true' };
}

const BLANK = /[^\S\n]/;

function indentBefore(text: string, at: number): string {
  const before = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  return before.trim() === '' ? before : '';
}

/** Out of its submenu, and with plain line ends. */
function outdented(lines: string, indent: string): string {
  return lines
    .split(/\r?\n/)
    .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
    .join('\n');
}
