/**
 * Reads GRUB 2's script as its own lexer does (grub-core/script/yylex.l): words with single quotes, double quotes,
 * backslashes and variables; comments; commands that may have a block. There are no here-documents in it.
 */

/** A piece of the text, `from` to `to` (exclusive). */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface Command {
  /** Never empty. */
  readonly words: readonly Range[];
  /** The command whose block this one stands in. */
  readonly parent: Command | undefined;
  /** Between the braces. */
  readonly body: Range | undefined;
}

export interface Script {
  readonly text: string;
  /** In the order of their first words. */
  readonly commands: readonly Command[];
  /** Comments outside every block. */
  readonly comments: readonly Range[];
}

type Kind = 'blank' | 'comment' | 'end' | 'open' | 'close' | 'word';

/** Tried in this order; what fits none is a quote that never ends, or a pipe or redirection, which GRUB refuses too. */
const TOKENS: readonly (readonly [Kind, RegExp])[] = [
  // GRUB drops carriage returns when it reads a line.
  ['blank', /(?:[ \t\r]|\\\r?\n)+/y],
  ['comment', /#[^\n]*/y],
  ['end', /\n|;/y],
  ['open', /\{/y],
  ['close', /\}/y],
  [
    'word',
    /(?:[^{}|&$;<> \t\r\n'"\\]|\\(?:\r\n|.)|'[^']*'|"(?:\\.|[^"\\])*"|\$(?:\{[^{}\n]*\}|[A-Za-z_]\w*|\d+|[?#*@])?)+/sy,
  ],
];

/** Words after which another command begins. */
const PREFIXES = new Set(['if', 'elif', 'then', 'else', 'while', 'until', 'do', '!']);

/** A menu has a submenu, an entry and an `if` in each other; what looks into all blocks must not be led on for hours. */
const DEEPEST = 32;

interface Open {
  command: { words: Range[]; parent: Command | undefined; body: Range | undefined };
  from: number;
}

/**
 * Undefined where GRUB would not take it: a quote or a block that never ends, a brace too many. So too where blocks are
 * nested deeper than in any menu.
 */
export function readScript(text: string): Script | undefined {
  const commands: Command[] = [];
  const comments: Range[] = [];
  const blocks: Open[] = [];
  let current: Open['command'] | undefined;
  let at = 0;
  while (at < text.length) {
    const token = tokenAt(text, at);
    if (token === undefined) return undefined;
    const range = { from: at, to: at + token.length };
    at = range.to;
    switch (token.kind) {
      case 'blank':
        break;
      case 'comment':
        if (blocks.length === 0) comments.push(range);
        break;
      case 'word':
        if (current === undefined) {
          if (PREFIXES.has(text.slice(range.from, range.to))) break;
          current = { words: [], parent: blocks.at(-1)?.command, body: undefined };
          commands.push(current);
        }
        current.words.push(range);
        break;
      case 'open':
        if (current === undefined || blocks.length === DEEPEST) return undefined;
        blocks.push({ command: current, from: range.to });
        current = undefined;
        break;
      case 'close': {
        const block = blocks.pop();
        if (block === undefined) return undefined;
        block.command.body = { from: block.from, to: range.from };
        current = undefined;
        break;
      }
      case 'end':
        current = undefined;
        break;
    }
  }
  return blocks.length === 0 ? { text, commands, comments } : undefined;
}

function tokenAt(text: string, at: number): { kind: Kind; length: number } | undefined {
  for (const [kind, pattern] of TOKENS) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return { kind, length: found.length };
  }
  return undefined;
}

/** What a word stands for, with its quotes and escapes resolved, and variables left as they are written. */
export function spelled(script: Script, word: Range): string {
  return resolve(script, word).value;
}

/** What a word stands for; undefined where a variable in it makes that unknown. */
export function literal(script: Script, word: Range): string | undefined {
  const { value, variable } = resolve(script, word);
  return variable ? undefined : value;
}

function resolve({ text }: Script, word: Range): { readonly value: string; readonly variable: boolean } {
  let variable = false;
  const value = text
    .slice(word.from, word.to)
    .replace(
      /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(\r\n|.)|\$/gs,
      (all: string, single?: string, double?: string, escaped?: string) => {
        if (single !== undefined) return single;
        if (escaped !== undefined) return escaped.endsWith('\n') ? '' : escaped;
        variable ||= double === undefined || /(?<!\\)(?:\\\\)*\$/.test(double);
        return (double ?? all).replace(/\\([$"\\\n])/g, (_, one: string) => (one === '\n' ? '' : one));
      },
    );
  return { value, variable };
}

/** The commands in a command's block, at whatever depth. `index`: the command's own, in `commands`. */
export function commandsInside(script: Script, index: number): readonly Command[] {
  const end = script.commands[index]?.body?.to ?? 0;
  const inside: Command[] = [];
  for (let next = index + 1; next < script.commands.length; next += 1) {
    const command = script.commands[next];
    if (command === undefined || (command.words[0]?.from ?? end) >= end) break;
    inside.push(command);
  }
  return inside;
}

export function nameOf(script: Script, command: Command): string | undefined {
  const [first] = command.words;
  return first === undefined ? undefined : literal(script, first);
}
