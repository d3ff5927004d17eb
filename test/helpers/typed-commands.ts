import { spawnSync } from 'node:child_process';
import { isAbsolute, resolve } from 'node:path';
import { CommanderError } from 'commander';
import { commandLine } from '../../src/cli/commands.ts';
import { isFailure } from '../../src/errors.ts';
import { TARGET_OPTIONS } from '../../src/typed.ts';

/*
 * Commands that mptfix prints to be typed. They stand in backquotes, so a person and a test see where each begins and
 * ends; each is held against the real command line here, for every run of every test.
 */

/** The words of a shell's line, up to its first operator; undefined where a quote is not closed. */
export function shellWordsOf(line: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const rest = line.slice(at);
    if (/^\s/.test(rest)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    if (/^[|&;<>()]/.test(rest)) break;
    const part = /^\$'((?:[^'\\]|\\.)*)'|^'([^']*)'|^"((?:[^"\\]|\\.)*)"|^\\(.)|^([^'"\\])/s.exec(rest);
    if (part === null) return undefined;
    const [all, escaped, single, double, one, plain] = part;
    word = `${word ?? ''}${escaped === undefined ? (single ?? double ?? one ?? plain) : unescaped(escaped)}`;
    at += all.length - 1;
  }
  return word === undefined ? words : [...words, word];
}

function unescaped(text: string): string {
  const bytes = text.replace(/\\([0-7]{3}|.)/gs, (_, what: string) =>
    what.length === 3
      ? `\\x${Number.parseInt(what, 8).toString(16).padStart(2, '0')}`
      : `\\x${Buffer.from(what).toString('hex')}`,
  );
  const parts = bytes.split(/\\x([0-9a-f]{2})/);
  return Buffer.concat(
    parts.map((part, index) => Buffer.from(part, index % 2 === 0 ? 'utf8' : 'hex')),
  ).toString('utf8');
}

/** What stands in backquotes, where each quote of a shell inside is closed before the span ends. */
export function spansIn(text: string): readonly string[] {
  const SPAN = /`((?:\$'(?:[^'\\\n]|\\.)*'|'[^'\n]*'|"[^"\n]*"|\\[^\n]|[^`'"\n\\])+)`/g;
  return [...text.matchAll(SPAN)].map(([, span = '']) => span);
}

const VERBS = Object.keys(TARGET_OPTIONS).toSorted(
  (a, b) => b.length - a.length,
) as (keyof typeof TARGET_OPTIONS)[];
const BARE = new RegExp(`\\bmptfix (?:${VERBS.join('|')})\\b(?![:;,])`);
/** How mptfix is started: itself, or in a checkout. */
const PROGRAM = /^(?:mptfix|npm --prefix \S+ run -s mptfix --) /;

/** Every command of mptfix that a text has to be typed, without the word that starts it. */
function typedCommandsIn(text: string): readonly string[] {
  return spansIn(text).flatMap((span) => (PROGRAM.test(span) ? [span.replace(PROGRAM, '')] : []));
}

/** What is wrong with a command line, as a person would meet it who types it; undefined where nothing is. */
async function problemOf(line: string, asked: Asked): Promise<string | undefined> {
  const words = shellWordsOf(line);
  if (words === undefined) return 'a quote is not closed';
  if (words.includes('--help')) return undefined;
  const verb = VERBS.find((one) => words.join(' ').startsWith(one));
  if (verb === undefined) return 'it names no command';
  let reached = 0;
  const program = commandLine(async () => {
    reached += 1;
  });
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError || isFailure(error)) return error.message;
    throw error;
  }
  if (reached !== 1) return 'it does nothing';
  const options: readonly string[] = TARGET_OPTIONS[verb];
  const roots = valuesOf(words, '--root');
  if (roots.some((root) => !isAbsolute(root))) return 'its --root is not an absolute path';
  if (options.includes('root') && asked.roots.length > 0 && !roots.some((root) => asked.roots.includes(root)))
    return `it acts on another guest than ${asked.roots.join(', ')}`;
  if (asked.roots.length === 0 && !asked.namesGuest && roots.length > 0)
    return 'it names a guest that nobody named';
  if (options.includes('kernel') && asked.kernel && valuesOf(words, '--kernel').length === 0)
    return 'it does not name the kernel';
  return undefined;
}

/** What a run was asked to look at. */
interface Asked {
  readonly roots: readonly string[];
  readonly kernel: boolean;
  /** A plan or the demo names the guest where the command line does not. */
  readonly namesGuest: boolean;
}

function valuesOf(words: readonly string[], option: string): readonly string[] {
  return words.flatMap((word, index) => {
    if (word === option) return words[index + 1] ?? [];
    return word.startsWith(`${option}=`) ? word.slice(option.length + 1) : [];
  });
}

export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Throws where a run has printed a command that is not one, that would act on another guest than the run did, or that
 * stands without backquotes; and where a word after `next:` in backquotes is no sh.
 */
export async function requireTypedCommands(
  args: readonly string[],
  { stdout, stderr }: Printed,
  cwd: string = process.cwd(),
): Promise<void> {
  if (args.includes('--help') || args.includes('help') || args[0] === 'demo') return;
  const asked: Asked = {
    roots: valuesOf(args, '--root').map((root) => resolve(cwd, root)),
    kernel: valuesOf(args, '--kernel').length > 0,
    namesGuest: args.includes('--plan'),
  };
  for (const text of [...textsOf(stdout), stderr]) {
    for (const line of typedCommandsIn(text)) {
      const problem = await problemOf(line, asked);
      if (problem !== undefined)
        throw new Error(`${args.join(' ')}: it prints \`mptfix ${line}\`: ${problem}`);
    }
    const bare = BARE.exec(text.replace(/`[^`\n]*`|^\s*#.*$/gm, ''));
    if (bare !== null) throw new Error(`${args.join(' ')}: it prints a command without backquotes: ${text}`);
  }
  for (const [, next = ''] of stderr.matchAll(/^ {2}next: (.*)$/gm)) requireShell(next);
}

/** The texts of a page or of a document. */
function textsOf(stdout: string): readonly string[] {
  try {
    const texts: string[] = [];
    JSON.parse(stdout, (_, value: unknown) => {
      if (typeof value === 'string') texts.push(value);
      return value;
    });
    return texts;
  } catch {
    return [stdout];
  }
}

function requireShell(next: string): void {
  if ((next.match(/`/g)?.length ?? 0) > 0 && spansIn(next).length === 0)
    throw new Error(`a backquote is not closed: ${next}`);
  for (const span of spansIn(next)) {
    const { status, stderr } = spawnSync('sh', ['-n', '-c', span], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`next: ${next}: not a shell’s line: ${stderr}`);
  }
}
