import { parseAssignment, parseExpression } from './expression.ts';
import {
  accept,
  type Declared,
  type Expr,
  expect,
  isTypeName,
  isUnclear,
  nested,
  type Parser,
  peek,
  type Stmt,
  type StmtNode,
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
    const node = parseNode(parser);
    return { ...node, first, last: parser.at - 1 };
  });
}

function parseNode(parser: Parser): StmtNode {
  const word = peek(parser);
  if (word === 'else') throw stuck(parser, "'else' without 'if'");
  if (word === '}') throw stuck(parser, "'}' without '{'");
  if (word === '{') return { kind: 'block', body: braced(parser) };
  const afterKeyword = KEYWORDS.get(word);
  if (afterKeyword !== undefined) {
    parser.at += 1;
    return afterKeyword(parser);
  }
  const isName = parser.tokens[parser.at]?.kind === 'id';
  if (!isName || peek(parser, 1) !== ':' || peek(parser, 2) === ':') return parseSimple(parser);
  parser.at += 2;
  return { kind: 'label', name: word };
}

/** What parses the rest of a statement, by the keyword that it starts with. */
const KEYWORDS = new Map<string, (parser: Parser) => StmtNode>([
  ['if', parseIf],
  ['switch', (parser) => ({ kind: 'switch', subject: parseCondition(parser), body: braced(parser) })],
  ['case', parseCase],
  ['default', (parser) => endedBy(':', parser, { kind: 'default' })],
  ['while', (parser) => parseLoopBody(parser, [parseCondition(parser)])],
  ['for', parseFor],
  ['do', parseDo],
  ['goto', parseGoto],
  ['return', parseReturn],
  ['break', (parser) => endedBy(';', parser, { kind: 'break' })],
  ['continue', (parser) => endedBy(';', parser, { kind: 'continue' })],
]);

function endedBy(end: string, parser: Parser, node: StmtNode): StmtNode {
  expect(parser, end);
  return node;
}

function braced(parser: Parser): Stmt[] {
  expect(parser, '{');
  const body: Stmt[] = [];
  while (!accept(parser, '}')) {
    if (parser.at >= parser.tokens.length) throw stuck(parser, 'a brace is not closed');
    body.push(parseStatement(parser));
  }
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

function parseIf(parser: Parser): StmtNode {
  const test = parseCondition(parser);
  const yes = parseStatement(parser);
  if (!accept(parser, 'else')) return { kind: 'if', test, yes };
  return { kind: 'if', test, yes, no: parseStatement(parser) };
}

function parseCase(parser: Parser): StmtNode {
  const value = parseAssignment(parser);
  if (!accept(parser, '...')) return endedBy(':', parser, { kind: 'case', value });
  return endedBy(':', parser, { kind: 'case', value, upTo: parseAssignment(parser) });
}

function parseLoopBody(parser: Parser, head: readonly Expr[]): StmtNode {
  return { kind: 'loop', head, body: parseStatement(parser), once: false };
}

function parseFor(parser: Parser): StmtNode {
  expect(parser, '(');
  const head: Expr[] = [];
  for (const end of [';', ';', ')']) {
    if (peek(parser) !== end) head.push(parseExpression(parser));
    expect(parser, end);
  }
  return parseLoopBody(parser, head);
}

function parseDo(parser: Parser): StmtNode {
  const body = parseStatement(parser);
  expect(parser, 'while');
  const head = [parseCondition(parser)];
  accept(parser, ';');
  return { kind: 'loop', head, body, once: true };
}

function parseGoto(parser: Parser): StmtNode {
  const name = peek(parser);
  parser.at += 1;
  return endedBy(';', parser, { kind: 'goto', name });
}

function parseReturn(parser: Parser): StmtNode {
  // What is returned does not matter: the result is in the command.
  skipStatement(parser);
  return { kind: 'return' };
}

/** A declaration, an expression statement, a macro that stands for a statement or a loop's head. */
function parseSimple(parser: Parser): StmtNode {
  if (accept(parser, ';')) return { kind: 'block', body: [] };
  const names = parseDeclaration(parser);
  if (names !== undefined) return { kind: 'declaration', names };
  const macro = parseMacro(parser);
  if (macro !== undefined) return macro;
  const { at, depth } = parser;
  try {
    return endedBy(';', parser, { kind: 'expression', expr: parseExpression(parser) });
  } catch (error) {
    if (!isUnclear(error)) throw error;
    parser.at = at;
    parser.depth = depth;
    skipStatement(parser);
    return { kind: 'opaque' };
  }
}

/** Skips to after the next semicolon of this level; what was skipped is judged by its words alone. */
function skipStatement(parser: Parser): void {
  let depth = 0;
  for (; parser.at < parser.tokens.length; parser.at += 1) {
    const text = peek(parser);
    if (text === '(' || text === '[' || text === '{') depth += 1;
    else if (text === ')' || text === ']' || text === '}') depth -= 1;
    if (depth < 0) break;
    if (depth === 0 && accept(parser, ';')) return;
  }
  throw stuck(parser, 'a statement is not closed');
}

/** `list_for_each_entry(…) {…}` and the like, and `MACRO(…)` without a semicolon; undefined for anything else. */
function parseMacro(parser: Parser): StmtNode | undefined {
  const first = parser.at;
  const name = parser.tokens[first];
  if (name?.kind !== 'id' || peek(parser, 1) !== '(') return undefined;
  parser.at += 1;
  skipParens(parser);
  const next = parser.tokens[parser.at];
  const isLoop = /for_each/.test(name.text) || next?.text === '{';
  if (isLoop && next?.text !== ';') return parseLoopBody(parser, []);
  if (next === undefined || next.text === '}' || (next.kind === 'id' && !isTypeName(next.text)))
    return { kind: 'opaque' };
  parser.at = first;
  return undefined;
}

/** Moves over a declaration and gives its names; undefined, without moving, where none starts here. */
function parseDeclaration(parser: Parser): Declared[] | undefined {
  const start = parser.at;
  let words = 0;
  for (; ; parser.at += 1) {
    const token = parser.tokens[parser.at];
    if (token?.kind === 'id') words += 1;
    else if (token?.text !== '*' || words === 0) break;
  }
  const end = peek(parser);
  const named = parser.tokens[parser.at - 1]?.kind === 'id';
  if (words < 2 || !named || !['=', ';', ',', '['].includes(end)) {
    parser.at = start;
    return undefined;
  }
  parser.at -= 1;
  return parseDeclarators(parser);
}

function parseDeclarators(parser: Parser): Declared[] {
  const names: Declared[] = [];
  for (;;) {
    while (accept(parser, '*'));
    const name = peek(parser);
    parser.at += 1;
    while (accept(parser, '[')) {
      if (peek(parser) !== ']') parseExpression(parser);
      expect(parser, ']');
    }
    if (!accept(parser, '=')) names.push({ name });
    else if (peek(parser) === '{') names.push(skipInitialiser(parser, name));
    else names.push({ name, value: parseAssignment(parser) });
    if (!accept(parser, ',')) break;
  }
  expect(parser, ';');
  return names;
}

function skipInitialiser(parser: Parser, name: string): Declared {
  let depth = 0;
  do {
    const text = peek(parser);
    if (text === '') throw stuck(parser, 'a brace is not closed');
    if (text === '{') depth += 1;
    else if (text === '}') depth -= 1;
    parser.at += 1;
  } while (depth > 0);
  return { name };
}
