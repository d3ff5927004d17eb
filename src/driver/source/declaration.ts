import { parseAssignment, parseExpression } from './expression.ts';
import type { Declared } from './syntax.ts';
import { expect, type Parser, peek, stuck } from './syntax.ts';

/** Moves over a declaration and gives its names; undefined, without moving, where none starts here. */
export function parseDeclaration(parser: Parser): Declared[] | undefined {
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
    while (peek(parser) === '*') parser.at += 1;
    const name = peek(parser);
    parser.at += 1;
    while (peek(parser) === '[') skipBrackets(parser);
    if (peek(parser) === '=') {
      parser.at += 1;
      names.push(
        peek(parser) === '{' ? skipInitialiser(parser, name) : { name, value: parseAssignment(parser) },
      );
    } else {
      names.push({ name });
    }
    if (peek(parser) !== ',') break;
    parser.at += 1;
  }
  expect(parser, ';');
  return names;
}

function skipBrackets(parser: Parser): void {
  parser.at += 1;
  if (peek(parser) !== ']') parseExpression(parser);
  expect(parser, ']');
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
