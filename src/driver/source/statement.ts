import { parseDeclaration } from './declaration.ts';
import { parseAssignment, parseExpression } from './expression.ts';
import {
  type Expr,
  expect,
  isTypeName,
  isUnclear,
  nested,
  type Parser,
  peek,
  type Stmt,
  skipParens,
  stuck,
} from './syntax.ts';
import type { Token } from './tokens.ts';

/** Parses the tokens between a function's braces. Throws `unclear` where the braces or the control flow make no sense. */
export function parseBody(tokens: readonly Token[]): Stmt[] {
  const parser: Parser = { tokens, at: 0, depth: 0 };
  const body: Stmt[] = [];
  while (parser.at < tokens.length) body.push(parseStatement(parser));
  return body;
}

function parseStatement(parser: Parser): Stmt {
  return nested(parser, () => {
    const first = parser.at;
    const known = KEYWORDS.get(peek(parser));
    if (known !== undefined) return known(parser, first);
    if (isLabel(parser)) {
      parser.at += 2;
      return { kind: 'label', name: parser.tokens[first]?.text ?? '', first, last: parser.at - 1 };
    }
    return parseSimple(parser, first);
  });
}

function isLabel(parser: Parser): boolean {
  return parser.tokens[parser.at]?.kind === 'id' && peek(parser, 1) === ':' && peek(parser, 2) !== ':';
}

type StatementParser = (parser: Parser, first: number) => Stmt;

const KEYWORDS: ReadonlyMap<string, StatementParser> = new Map<string, StatementParser>([
  ['{', parseBlock],
  ['if', parseIf],
  ['switch', parseSwitch],
  ['case', parseCase],
  ['default', parseDefault],
  ['while', parseWhile],
  ['for', parseFor],
  ['do', parseDo],
  ['goto', parseGoto],
  ['return', parseReturn],
  ['break', (parser, first) => parseWord(parser, first, 'break')],
  ['continue', (parser, first) => parseWord(parser, first, 'continue')],
  ['else', (parser) => stray(parser, "'else' without 'if'")],
  ['}', (parser) => stray(parser, "'}' without '{'")],
]);

function stray(parser: Parser, reason: string): never {
  throw stuck(parser, reason);
}

function parseBlock(parser: Parser, first: number): Stmt {
  return { kind: 'block', body: braced(parser), first, last: parser.at - 1 };
}

function braced(parser: Parser): Stmt[] {
  expect(parser, '{');
  const body: Stmt[] = [];
  while (peek(parser) !== '}') {
    if (parser.at >= parser.tokens.length) throw stuck(parser, 'a brace is not closed');
    body.push(parseStatement(parser));
  }
  parser.at += 1;
  return body;
}

function parseCondition(parser: Parser): Expr {
  const first = parser.at;
  const { depth } = parser;
  try {
    expect(parser, '(');
    const test = parseExpression(parser);
    expect(parser, ')');
    return test;
  } catch (error) {
    if (!isUnclear(error)) throw error;
    parser.at = first;
    parser.depth = depth;
    if (peek(parser) !== '(') throw error;
    skipParens(parser);
    return { kind: 'opaque', first, last: parser.at - 1 };
  }
}

function parseIf(parser: Parser, first: number): Stmt {
  parser.at += 1;
  const test = parseCondition(parser);
  const yes = parseStatement(parser);
  if (peek(parser) !== 'else') return { kind: 'if', test, yes, first, last: parser.at - 1 };
  parser.at += 1;
  const no = parseStatement(parser);
  return { kind: 'if', test, yes, no, first, last: parser.at - 1 };
}

function parseSwitch(parser: Parser, first: number): Stmt {
  parser.at += 1;
  const subject = parseCondition(parser);
  const body = braced(parser);
  return { kind: 'switch', subject, body, first, last: parser.at - 1 };
}

function parseCase(parser: Parser, first: number): Stmt {
  parser.at += 1;
  const value = parseAssignment(parser);
  if (peek(parser) !== '...') {
    expect(parser, ':');
    return { kind: 'case', value, first, last: parser.at - 1 };
  }
  parser.at += 1;
  const upTo = parseAssignment(parser);
  expect(parser, ':');
  return { kind: 'case', value, upTo, first, last: parser.at - 1 };
}

function parseDefault(parser: Parser, first: number): Stmt {
  parser.at += 1;
  expect(parser, ':');
  return { kind: 'default', first, last: parser.at - 1 };
}

function parseWhile(parser: Parser, first: number): Stmt {
  parser.at += 1;
  const head = [parseCondition(parser)];
  const body = parseStatement(parser);
  return { kind: 'loop', head, body, once: false, first, last: parser.at - 1 };
}

function parseFor(parser: Parser, first: number): Stmt {
  parser.at += 1;
  expect(parser, '(');
  const head: Expr[] = [];
  for (const end of [';', ';', ')']) {
    if (peek(parser) !== end) head.push(parseExpression(parser));
    expect(parser, end);
  }
  const body = parseStatement(parser);
  return { kind: 'loop', head, body, once: false, first, last: parser.at - 1 };
}

function parseDo(parser: Parser, first: number): Stmt {
  parser.at += 1;
  const body = parseStatement(parser);
  expect(parser, 'while');
  const head = [parseCondition(parser)];
  if (peek(parser) === ';') parser.at += 1;
  return { kind: 'loop', head, body, once: true, first, last: parser.at - 1 };
}

function parseGoto(parser: Parser, first: number): Stmt {
  const name = peek(parser, 1);
  parser.at += 2;
  expect(parser, ';');
  return { kind: 'goto', name, first, last: parser.at - 1 };
}

function parseReturn(parser: Parser, first: number): Stmt {
  // What is returned does not matter: the result is in the command.
  const { last } = skipStatement(parser, first);
  return { kind: 'return', first, last };
}

function parseWord(parser: Parser, first: number, kind: 'break' | 'continue'): Stmt {
  parser.at += 1;
  expect(parser, ';');
  return { kind, first, last: parser.at - 1 };
}

/** A declaration, an expression statement, a macro that stands for a statement or a loop's head. */
function parseSimple(parser: Parser, first: number): Stmt {
  if (peek(parser) === ';') {
    parser.at += 1;
    return { kind: 'block', body: [], first, last: first };
  }
  const names = parseDeclaration(parser);
  if (names !== undefined) return { kind: 'declaration', names, first, last: parser.at - 1 };
  const macro = parseMacro(parser, first);
  if (macro !== undefined) return macro;
  const { depth } = parser;
  try {
    const expr = parseExpression(parser);
    expect(parser, ';');
    return { kind: 'expression', expr, first, last: parser.at - 1 };
  } catch (error) {
    if (!isUnclear(error)) throw error;
    parser.depth = depth;
    return skipStatement(parser, first);
  }
}

/** Skips to after the next semicolon of this level; what was skipped is judged by its words alone. */
function skipStatement(parser: Parser, first: number): Stmt {
  let depth = 0;
  for (parser.at = first; parser.at < parser.tokens.length; parser.at += 1) {
    const text = peek(parser);
    if (text === '(' || text === '[' || text === '{') depth += 1;
    else if (text === ')' || text === ']' || text === '}') depth -= 1;
    if (depth < 0) break;
    if (depth === 0 && text === ';') {
      parser.at += 1;
      return { kind: 'opaque', first, last: parser.at - 1 };
    }
  }
  throw stuck(parser, 'a statement is not closed');
}

/** `list_for_each_entry(…) {…}` and the like, and `MACRO(…)` without a semicolon; undefined for anything else. */
function parseMacro(parser: Parser, first: number): Stmt | undefined {
  if (parser.tokens[first]?.kind !== 'id' || peek(parser, 1) !== '(') return undefined;
  parser.at += 1;
  skipParens(parser);
  const next = parser.tokens[parser.at];
  const isLoop = /for_each/.test(parser.tokens[first]?.text ?? '') || next?.text === '{';
  if (isLoop && next?.text !== ';') {
    const body = parseStatement(parser);
    return { kind: 'loop', head: [], body, once: false, first, last: parser.at - 1 };
  }
  if (next === undefined || next.text === '}' || (next.kind === 'id' && !isTypeName(next.text))) {
    return { kind: 'opaque', first, last: parser.at - 1 };
  }
  parser.at = first;
  return undefined;
}
