import {
  accept,
  chained,
  type Expr,
  expect,
  isTypeName,
  nested,
  numberOf,
  type Parser,
  peek,
  skipParens,
  stuck,
} from './syntax.ts';
import type { Token } from './tokens.ts';

/** Binary operators, the loosest first. */
const LEVELS = ['||', '&&', '|', '^', '&', '== !=', '< > <= >=', '<< >>', '+ -', '* / %'];
const BINARY: ReadonlyMap<string, number> = new Map(
  LEVELS.flatMap((operators, index) => operators.split(' ').map((operator) => [operator, index + 1])),
);
const ASSIGN = new Set(['=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>=']);
const PREFIX = new Set(['!', '~', '-', '+', '*', '&', '++', '--']);

/** Reads tokens that are one expression and nothing else; throws `unclear` for all others. */
export function parseWhole(tokens: readonly Token[]): Expr {
  const parser: Parser = { tokens, at: 0, depth: 0 };
  const expr = parseExpression(parser);
  if (parser.at < tokens.length) throw stuck(parser, 'an expression ends too early');
  return expr;
}

/** An expression with the comma operator; the value is the last part, all parts are kept in order. */
export function parseExpression(parser: Parser): Expr {
  const first = parser.at;
  let left = parseAssignment(parser);
  for (let links = 0; accept(parser, ','); links += 1) {
    chained(parser, links);
    const right = parseAssignment(parser);
    left = { kind: 'binary', op: ',', left, right, first, last: parser.at - 1 };
  }
  return left;
}

export function parseAssignment(parser: Parser): Expr {
  return nested(parser, () => {
    const first = parser.at;
    const left = parseChoice(parser);
    const op = peek(parser);
    if (!ASSIGN.has(op)) return left;
    parser.at += 1;
    const value = parseAssignment(parser);
    return { kind: 'assign', op, target: left, value, first, last: parser.at - 1 };
  });
}

function parseChoice(parser: Parser): Expr {
  const first = parser.at;
  const test = parseBinary(parser, 1);
  if (!accept(parser, '?')) return test;
  // GNU's `a ?: b` has the test as its first answer.
  const yes = peek(parser) === ':' ? test : nested(parser, () => parseExpression(parser));
  expect(parser, ':');
  const no = nested(parser, () => parseChoice(parser));
  return { kind: 'choice', test, yes, no, first, last: parser.at - 1 };
}

function parseBinary(parser: Parser, lowest: number): Expr {
  const first = parser.at;
  let left = parseUnary(parser);
  for (let links = 0; ; links += 1) {
    chained(parser, links);
    const op = peek(parser);
    const level = BINARY.get(op);
    if (level === undefined || level < lowest) return left;
    parser.at += 1;
    const right = nested(parser, () => parseBinary(parser, level + 1));
    left = { kind: 'binary', op, left, right, first, last: parser.at - 1 };
  }
}

function parseUnary(parser: Parser): Expr {
  return nested(parser, () => {
    const first = parser.at;
    const op = peek(parser);
    if (PREFIX.has(op)) {
      parser.at += 1;
      const operand = parseUnary(parser);
      if (op === '++' || op === '--') return step(operand, op, first, parser.at - 1);
      return { kind: 'unary', op, operand, first, last: parser.at - 1 };
    }
    if (accept(parser, 'sizeof')) {
      if (peek(parser) === '(') skipParens(parser);
      else parseUnary(parser);
      return { kind: 'opaque', first, last: parser.at - 1 };
    }
    const cast = castEnd(parser);
    if (cast === undefined) return parsePostfix(parser);
    parser.at = cast;
    const operand = parseUnary(parser);
    return { ...operand, first };
  });
}

function step(target: Expr, op: '++' | '--', first: number, last: number): Expr {
  const one: Expr = { kind: 'number', value: 1, first, last: first };
  return { kind: 'assign', op: op === '++' ? '+=' : '-=', target, value: one, first, last };
}

/** Where the cast that starts here ends (one past its closing parenthesis), or undefined where it is no cast. */
function castEnd(parser: Parser): number | undefined {
  if (peek(parser) !== '(') return undefined;
  const name = parser.tokens[parser.at + 1];
  if (name?.kind !== 'id') return undefined;
  let ahead = 1;
  let stars = 0;
  for (; ; ahead += 1) {
    if (peek(parser, ahead) === '*') stars += 1;
    else if (parser.tokens[parser.at + ahead]?.kind !== 'id') break;
  }
  if (peek(parser, ahead) !== ')') return undefined;
  const words = ahead - 1 - stars;
  const next = parser.tokens[parser.at + ahead + 1];
  const operandFollows =
    next !== undefined && (next.kind !== 'punct' || next.text === '~' || next.text === '!');
  const isCast =
    isTypeName(name.text) || words > 1 || (stars > 0 && peek(parser, ahead - 1) === '*') || operandFollows;
  return isCast ? parser.at + ahead + 1 : undefined;
}

function parsePostfix(parser: Parser): Expr {
  const first = parser.at;
  let expr = parsePrimary(parser);
  for (let links = 0; ; links += 1) {
    chained(parser, links);
    const op = peek(parser);
    if (op === '->' || op === '.') {
      const field = parser.tokens[parser.at + 1];
      if (field?.kind !== 'id') throw stuck(parser, 'a field name expected');
      parser.at += 2;
      expr = { kind: 'member', base: expr, field: field.text, first, last: parser.at - 1 };
    } else if (accept(parser, '[')) {
      const right = nested(parser, () => parseExpression(parser));
      expect(parser, ']');
      expr = { kind: 'binary', op: '[]', left: expr, right, first, last: parser.at - 1 };
    } else if (op === '(') {
      const args = parseArguments(parser);
      expr = { kind: 'call', callee: expr, args, first, last: parser.at - 1 };
    } else if (op === '++' || op === '--') {
      parser.at += 1;
      expr = step(expr, op, first, parser.at - 1);
    } else {
      return expr;
    }
  }
}

function parseArguments(parser: Parser): Expr[] {
  expect(parser, '(');
  const args: Expr[] = [];
  while (!accept(parser, ')')) {
    args.push(parseArgument(parser));
    if (!accept(parser, ',') && peek(parser) !== ')') throw stuck(parser, "',' or ')' expected");
  }
  return args;
}

/** An argument; a type (as in va_arg or container_of) is opaque. */
function parseArgument(parser: Parser): Expr {
  if (!isTypeName(peek(parser))) return parseAssignment(parser);
  const first = parser.at;
  while (parser.at < parser.tokens.length && ![',', ')', '('].includes(peek(parser))) parser.at += 1;
  return { kind: 'opaque', first, last: parser.at - 1 };
}

function parsePrimary(parser: Parser): Expr {
  const first = parser.at;
  const token = parser.tokens[first];
  if (token === undefined) throw stuck(parser, 'the text ends within an expression');
  if (leadsToString(parser)) {
    while (isStringPart(parser)) parser.at += 1;
    return { kind: 'opaque', first, last: parser.at - 1 };
  }
  if (token.kind === 'num') {
    parser.at += 1;
    return { kind: 'number', value: numberOf(token.text), first, last: first };
  }
  if (token.kind === 'id') {
    parser.at += 1;
    return { kind: 'name', name: token.text, first, last: first };
  }
  if (token.text !== '(') throw stuck(parser, `'${token.text.slice(0, 10)}' is no expression`);
  if (peek(parser, 1) === '{') {
    skipParens(parser);
    return { kind: 'opaque', first, last: parser.at - 1 };
  }
  parser.at += 1;
  const inner = nested(parser, () => parseExpression(parser));
  expect(parser, ')');
  return { ...inner, first, last: parser.at - 1 };
}

function isStringPart(parser: Parser): boolean {
  const kind = parser.tokens[parser.at]?.kind;
  return kind === 'str' || kind === 'id';
}

/** A format is several strings and string macros in a row: `KERN_INFO MYNAM ": text" PRI`. */
function leadsToString(parser: Parser): boolean {
  let at = parser.at;
  while (parser.tokens[at]?.kind === 'id') at += 1;
  return parser.tokens[at]?.kind === 'str';
}
