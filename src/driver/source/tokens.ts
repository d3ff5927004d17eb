import { LIMITS } from '../../limits.ts';

/** A place in the text given to `lex`; offsets count its UTF-16 units. */
interface Place {
  readonly start: number;
  /** One past the last character. */
  readonly end: number;
  /** 1-based line of `start`. */
  readonly line: number;
}

/** A piece of C text. */
export interface Token extends Place {
  readonly kind: 'id' | 'num' | 'str' | 'punct';
  /** The spelling, without line continuations. */
  readonly text: string;
}

/** A preprocessor line, continuations included; `args` are the tokens after its name. */
export interface Directive extends Place {
  readonly kind: 'directive';
  readonly name: string;
  readonly args: readonly Token[];
}

export interface Lexed {
  readonly items: readonly (Token | Directive)[];
  /** The text ends inside a comment: it was cut off. */
  readonly truncated: boolean;
  /** There were more tokens than any driver has; `items` stops there. */
  readonly overflow: boolean;
}

const THREE = new Set(['<<=', '>>=', '...']);
const TWO = new Set([
  '->', '++', '--', '<<', '>>', '<=', '>=', '==', '!=', '&&', '||',
  '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '##',
]); // biome-ignore format: a table

const NEWLINE = 10;
const RETURN = 13;
const BACKSLASH = 92;

/**
 * Splits C text into tokens and preprocessor lines in one pass, in time linear in its length. Comments are dropped;
 * anything that is not C becomes one-character tokens; nothing throws.
 */
export function lex(text: string): Lexed {
  const cursor: Cursor = { text, at: 0, line: 1, truncated: false };
  const items: (Token | Directive)[] = [];
  let count = 0;
  let lineStart = true;
  while (count < LIMITS.sourceTokens) {
    const before = cursor.line;
    skipBlank(cursor, false);
    if (cursor.line !== before) lineStart = true;
    if (cursor.at >= text.length) return { items, truncated: cursor.truncated, overflow: false };
    if (lineStart && text[cursor.at] === '#') {
      const directive = readDirective(cursor);
      count += directive.args.length + 1;
      items.push(directive);
      continue;
    }
    lineStart = false;
    items.push(readToken(cursor));
    count += 1;
  }
  return { items, truncated: cursor.truncated, overflow: true };
}

interface Cursor {
  readonly text: string;
  at: number;
  line: number;
  truncated: boolean;
}

/** Length of a line continuation (backslash, newline) at `at`, or 0. */
function continuation(text: string, at: number): number {
  if (text.charCodeAt(at) !== BACKSLASH) return 0;
  if (text.charCodeAt(at + 1) === NEWLINE) return 2;
  return text.charCodeAt(at + 1) === RETURN && text.charCodeAt(at + 2) === NEWLINE ? 3 : 0;
}

/** Moves over white space and comments; within a preprocessor line it stops at the end of the line. */
function skipBlank(cursor: Cursor, inDirective: boolean): void {
  const { text } = cursor;
  while (cursor.at < text.length) {
    const code = text.charCodeAt(cursor.at);
    if (code === NEWLINE) {
      if (inDirective) return;
      cursor.line += 1;
      cursor.at += 1;
    } else if (code === 32 || (code >= 9 && code <= 13)) {
      cursor.at += 1;
    } else if (code === 47 && text.charCodeAt(cursor.at + 1) === 42) {
      skipBlockComment(cursor);
    } else if (code === 47 && text.charCodeAt(cursor.at + 1) === 47) {
      skipLineComment(cursor);
    } else {
      const length = continuation(text, cursor.at);
      if (length === 0) return;
      cursor.line += 1;
      cursor.at += length;
    }
  }
}

function skipBlockComment(cursor: Cursor): void {
  const close = cursor.text.indexOf('*/', cursor.at + 2);
  const end = close < 0 ? cursor.text.length : close + 2;
  if (close < 0) cursor.truncated = true;
  // Not by indexOf, which would run to the end of the text for every comment without a newline.
  for (; cursor.at < end; cursor.at += 1) if (cursor.text.charCodeAt(cursor.at) === NEWLINE) cursor.line += 1;
}

function skipLineComment(cursor: Cursor): void {
  const { text } = cursor;
  for (;;) {
    const newline = text.indexOf('\n', cursor.at);
    if (newline < 0) {
      cursor.at = text.length;
      return;
    }
    const last = text.charCodeAt(newline - 1) === RETURN ? newline - 2 : newline - 1;
    cursor.at = newline;
    if (text.charCodeAt(last) !== BACKSLASH) return;
    cursor.at += 1;
    cursor.line += 1;
  }
}

function readDirective(cursor: Cursor): Directive {
  const start = cursor.at;
  const line = cursor.line;
  cursor.at += 1;
  skipBlank(cursor, true);
  const args: Token[] = [];
  while (
    cursor.at < cursor.text.length &&
    cursor.text.charCodeAt(cursor.at) !== NEWLINE &&
    args.length < LIMITS.sourceTokens
  ) {
    args.push(readToken(cursor));
    skipBlank(cursor, true);
  }
  const name = args[0]?.kind === 'id' ? (args.shift()?.text ?? '') : '';
  return { kind: 'directive', name, args, start, end: cursor.at, line };
}

function isWord(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 48 && code <= 57) ||
    code === 95 ||
    code === 36
  );
}

function readToken(cursor: Cursor): Token {
  const { text } = cursor;
  const start = cursor.at;
  const line = cursor.line;
  const code = text.charCodeAt(start);
  if (code === 34 || code === 39) {
    readQuoted(cursor, code);
    return { kind: 'str', text: text.slice(start, cursor.at), start, end: cursor.at, line };
  }
  if (isWord(code)) {
    const spelling = readWord(cursor);
    return { kind: code >= 48 && code <= 57 ? 'num' : 'id', text: spelling, start, end: cursor.at, line };
  }
  const three = text.slice(start, start + 3);
  const two = three.slice(0, 2);
  const spelling = THREE.has(three) ? three : TWO.has(two) ? two : (three[0] ?? '');
  cursor.at += spelling.length;
  return { kind: 'punct', text: spelling, start, end: cursor.at, line };
}

function readWord(cursor: Cursor): string {
  const { text } = cursor;
  let spelling = '';
  for (;;) {
    const from = cursor.at;
    while (cursor.at < text.length && isWord(text.charCodeAt(cursor.at))) cursor.at += 1;
    spelling += text.slice(from, cursor.at);
    const length = continuation(text, cursor.at);
    if (length === 0 || !isWord(text.charCodeAt(cursor.at + length))) return spelling;
    cursor.at += length;
    cursor.line += 1;
  }
}

/** A string or character literal; an unclosed one ends with its line, as in prose between `#if 0` and `#endif`. */
function readQuoted(cursor: Cursor, quote: number): void {
  const { text } = cursor;
  cursor.at += 1;
  while (cursor.at < text.length) {
    const code = text.charCodeAt(cursor.at);
    if (code === NEWLINE) return;
    const length = continuation(text, cursor.at);
    if (length > 0) {
      cursor.line += 1;
      cursor.at += length;
      continue;
    }
    cursor.at += code === BACKSLASH ? 2 : 1;
    if (code === quote) return;
  }
  cursor.at = text.length;
}
