import { LIMITS } from '../../limits.ts';
import type { Token } from './tokens.ts';

/**
 * The part of C's syntax that a completion routine uses, as a tree. `first` and `last` are indexes into the token list
 * that was parsed, so that every node can be found again in the text.
 */
export interface Span {
  readonly first: number;
  readonly last: number;
}

export type Expr = Span &
  (
    | { readonly kind: 'number'; readonly value: number }
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'member'; readonly base: Expr; readonly field: string }
    | { readonly kind: 'call'; readonly callee: Expr; readonly args: readonly Expr[] }
    | { readonly kind: 'unary'; readonly op: string; readonly operand: Expr }
    | { readonly kind: 'binary'; readonly op: string; readonly left: Expr; readonly right: Expr }
    | { readonly kind: 'choice'; readonly test: Expr; readonly yes: Expr; readonly no: Expr }
    | { readonly kind: 'assign'; readonly op: string; readonly target: Expr; readonly value: Expr }
    /** Strings, sizeof, statement expressions: nothing is known of the value. */
    | { readonly kind: 'opaque' }
  );

export type StmtNode =
  | { readonly kind: 'expression'; readonly expr: Expr }
  | { readonly kind: 'declaration'; readonly names: readonly Declared[] }
  | { readonly kind: 'block'; readonly body: readonly Stmt[] }
  | { readonly kind: 'if'; readonly test: Expr; readonly yes: Stmt; readonly no?: Stmt }
  | { readonly kind: 'switch'; readonly subject: Expr; readonly body: readonly Stmt[] }
  | { readonly kind: 'case'; readonly value: Expr; readonly upTo?: Expr }
  | { readonly kind: 'default' }
  /** `once` for do … while, whose body runs at least one time. */
  | { readonly kind: 'loop'; readonly head: readonly Expr[]; readonly body: Stmt; readonly once: boolean }
  | { readonly kind: 'label'; readonly name: string }
  | { readonly kind: 'goto'; readonly name: string }
  | { readonly kind: 'return' }
  | { readonly kind: 'break' }
  | { readonly kind: 'continue' }
  /** Tokens up to a semicolon that are no C we know. */
  | { readonly kind: 'opaque' };

export type Stmt = Span & StmtNode;

export interface Declared {
  readonly name: string;
  readonly value?: Expr;
}

/** Thrown in this folder where the code cannot be judged with certainty; becomes the shape `unparsable`. */
export interface Unclear extends Error {
  readonly unclearLine: number | undefined;
}

/** The error that stops the reading of a file, with the reason for a person. */
export function unclear(reason: string, line?: number): Unclear {
  return Object.assign(new Error(reason), { isUnclear: true, unclearLine: line });
}

export function isUnclear(error: unknown): error is Unclear {
  return error instanceof Error && 'isUnclear' in error;
}

/** A place in a list of tokens, which the parsers advance. */
export interface Parser {
  readonly tokens: readonly Token[];
  at: number;
  depth: number;
}

const TYPE_WORDS = new Set(
  'struct union enum const volatile unsigned signed int char short long void float double bool _Bool __user __iomem'.split(
    ' ',
  ),
);

/** Names that can only be a type: the kernel's integer types and what ends in `_t`. */
export function isTypeName(text: string): boolean {
  return (
    TYPE_WORDS.has(text) ||
    /^(?:__)?[su](?:8|16|32|64)$/.test(text) ||
    /^__[lb]e(?:16|32|64)$/.test(text) ||
    /_t$/.test(text)
  );
}

/** Text of the token `ahead` places on, or '' at the end. */
export function peek(parser: Parser, ahead = 0): string {
  return parser.tokens[parser.at + ahead]?.text ?? '';
}

/** Passes `text`, or stops the reading with the line where it is missing. */
export function expect(parser: Parser, text: string): void {
  if (!accept(parser, text)) throw stuck(parser, `'${text}' expected`);
}

/** Passes `text` where it is next, and answers whether it was. */
export function accept(parser: Parser, text: string): boolean {
  const is = peek(parser) === text;
  if (is) parser.at += 1;
  return is;
}

export function stuck(parser: Parser, reason: string): Error {
  const token = parser.tokens[parser.at] ?? parser.tokens.at(-1);
  return unclear(token === undefined ? reason : `${reason} on line ${token.line}`, token?.line);
}

/** Runs a parser one level deeper. */
export function nested<T>(parser: Parser, parse: () => T): T {
  parser.depth += 1;
  if (parser.depth > LIMITS.sourceDepth) throw stuck(parser, 'nested too deeply');
  const result = parse();
  parser.depth -= 1;
  return result;
}

/**
 * Refuses an expression with too many operators in a row: its tree is as deep as they are many, and what walks the tree
 * calls itself for each.
 */
export function chained(parser: Parser, links: number): void {
  if (links > LIMITS.sourceChain) throw stuck(parser, 'an expression is too long');
}

/** Passes a balanced pair of parentheses. */
export function skipParens(parser: Parser): void {
  let depth = 0;
  for (; parser.at < parser.tokens.length; parser.at += 1) {
    const text = peek(parser);
    if (text === '(') depth += 1;
    else if (text === ')') depth -= 1;
    if (depth === 0) {
      parser.at += 1;
      return;
    }
  }
  throw stuck(parser, 'a parenthesis is not closed');
}

/** The value of a C integer; NaN where it is none. */
export function numberOf(text: string): number {
  const digits = text.replace(/[uUlL]+$/, '');
  if (/^0[0-7]+$/.test(digits)) return Number.parseInt(digits, 8);
  return /^(?:0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)$/.test(digits) ? Number(digits) : Number.NaN;
}
