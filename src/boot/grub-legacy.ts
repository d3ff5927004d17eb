import { basename } from 'node:path/posix';
import { type ConfigFile, readConfigs } from './config-file.ts';
import {
  type BootEntryKey,
  type BootReads,
  type FileEdit,
  fallbackTitle,
  type Loader,
  type LoaderPlan,
  mark,
  type NamedRequest,
  nothingToEdit,
} from './entry.ts';
import { isKernelOf } from './names.ts';

/** menu.lst is the name of GRUB itself and of Debian and SUSE; Red Hat's is a link to its grub.conf. */
export const GRUB_MENUS: readonly string[] = [
  '/boot/efi/EFI/*/grub.conf',
  '/boot/grub/grub.conf',
  '/boot/grub/menu.lst',
];

/** Debian's update-grub rewrites what is above this line, and keeps what is below, to the end of the file. */
const AUTOMAGIC_END = /^### END DEBIAN AUTOMAGIC KERNELS LIST/;

/** GRUB 0.9x: an entry at the end of the one file, where it moves no other's number, which `default` counts by. */
export const grubLegacy: Loader = { name: 'grub-legacy', plan, remove };

interface Line {
  readonly raw: string;
  /** In lower case; empty for a comment or an empty line. */
  readonly command: string;
  readonly words: readonly string[];
}

/** One for all: a menu may have a million. */
const EMPTY: Line = { raw: '', command: '', words: [] };

/** A command and its words; GRUB takes `=` for a blank between them. */
function lineOf(raw: string): Line {
  if (raw === '') return EMPTY;
  const found = /^([^#\s=][^\s=]*)(?:[\s=]+(.*))?$/s.exec(raw.trim());
  const words = (found?.[2] ?? '').split(/\s+/).filter((word) => word !== '');
  return { raw, command: found?.[1]?.toLowerCase() ?? '', words };
}

async function plan(target: BootReads, request: NamedRequest): Promise<LoaderPlan | undefined> {
  const answers = await readConfigs(target, GRUB_MENUS);
  if (answers.length === 0) return undefined;
  const { names } = request;
  const notes: string[] = [];
  for (const answer of answers) {
    if ('problem' in answer) {
      notes.push(answer.problem);
      continue;
    }
    const { file } = answer;
    const entry = entriesOf(file.text.split('\n').map(lineOf)).find((one) =>
      boots(
        one,
        (word) => names.kernel(word) !== undefined,
        (word) => names.fallback(word) !== undefined,
      ),
    );
    if (entry !== undefined) return planFor(file, entry, request);
    notes.push(`no entry of ${file.path} boots ${request.release} with ${request.image}`);
  }
  return nothingToEdit(...notes);
}

function entriesOf(lines: readonly Line[]): readonly (readonly Line[])[] {
  const entries: Line[][] = [];
  for (const line of lines) {
    if (line.command === 'title') entries.push([line]);
    else if (AUTOMAGIC_END.test(line.raw)) entries.push([]);
    else entries.at(-1)?.push(line);
  }
  return entries.filter(([first]) => first?.command === 'title');
}

function boots(
  entry: readonly Line[],
  isKernel: (word: string) => boolean,
  isImage: (word: string) => boolean,
): boolean {
  const names = (wanted: string, matches: (word: string) => boolean): boolean =>
    entry.some(({ command, words }) => command === wanted && words.some(matches));
  return names('kernel', isKernel) && names('initrd', isImage);
}

function planFor(file: ConfigFile, entry: readonly Line[], request: NamedRequest): LoaderPlan {
  const old = entry[0]?.raw.replace(/^\s*title[\s=]*/i, '');
  const title = fallbackTitle(old, request);
  const own = [
    mark('begin', request),
    `title ${title}`,
    ...entry
      .slice(1)
      .filter(({ command }) => command !== '' && command !== 'savedefault')
      .map((line) => changed(line, request)),
    mark('end', request),
  ];
  const text = without(file.text, request) ?? file.text;
  const lines = text.split('\n').map(lineOf);
  const number = lines.filter(({ command }) => command === 'title').length;
  const chosen = lines.find(({ command, words }) => command === 'default' && Number(words[0]) >= number);
  if (chosen !== undefined) {
    const note = `${file.path}: ${chosen.raw.trim()} names an entry that does not exist, and a new one would take its number`;
    return nothingToEdit(note);
  }
  const end = text === '' || text.endsWith('\n') ? '' : '\n';
  const content = `${text}${end}\n${own.join('\n')}\n`;
  return { title, edits: [{ path: file.path, content, mode: file.mode }], notes: [] };
}

/** A link of the kernel's leads to the next one as soon as there is one: its own name stays. */
function changed({ raw, command, words }: Line, { names }: NamedRequest): string {
  const line = raw.trimEnd();
  if (command === 'kernel') {
    const link = words.find((word) => (names.kernel(word) ?? word) !== word);
    return link === undefined ? line : line.replace(link, () => names.kernel(link) ?? link);
  }
  if (command !== 'initrd') return line;
  const paths = words.map((word) => names.fallback(word) ?? word);
  return `${/^\s*/.exec(line)?.[0] ?? ''}initrd ${paths.join(' ')}`;
}

async function remove(target: BootReads, key: BootEntryKey): Promise<readonly FileEdit[]> {
  const edits: FileEdit[] = [];
  for (const answer of await readConfigs(target, GRUB_MENUS)) {
    if ('problem' in answer) continue;
    const { path, text, mode } = answer.file;
    const content = without(text, key);
    if (content !== undefined) edits.push({ path, content, mode });
  }
  return edits;
}

/**
 * Without the entry and the empty line before it; undefined where it is not there. grubby may have dropped the marks
 * when it rewrote the file, so the entry is known by its kernel and its image.
 */
function without(text: string, key: BootEntryKey): string | undefined {
  const lines = text.split('\n').map(lineOf);
  const isOwn = (word: string): boolean => basename(word).endsWith(`.mptfix-${key.generation}`);
  const isKernel = (word: string): boolean => isKernelOf(word, key.release);
  const from = lines.findIndex(
    ({ command }, at) => command === 'title' && boots(lines.slice(at, endOf(lines, at)), isKernel, isOwn),
  );
  if (from === -1) return undefined;
  const to = endOf(lines, from);
  const marked = lines[from - 1]?.raw.trimEnd() === mark('begin', key);
  const closed = lines[to]?.raw.trimEnd() === mark('end', key);
  const start = marked ? from - 1 : from;
  const blank = marked && lines[start - 1]?.raw.trim() === '' ? 1 : 0;
  const rest = [...lines.slice(0, start - blank), ...lines.slice(closed ? to + 1 : to)];
  return rest.map(({ raw }) => raw).join('\n');
}

/** One past the last line of the entry whose title this is. */
function endOf(lines: readonly Line[], title: number): number {
  let end = title + 1;
  while (end < lines.length && lines[end]?.command !== '' && lines[end]?.command !== 'title') end += 1;
  return end;
}
