import { parseWhole } from './expression.ts';
import { type Expr, isUnclear, numberOf } from './syntax.ts';
import type { Token } from './tokens.ts';
import { COMPARISONS } from './values.ts';

/** What a name stands for in the file itself. */
export interface Macro {
  /** Undefined for an object-like macro. */
  readonly params?: readonly string[];
  readonly body: readonly Token[];
}

/** What the condition of an `#if` may ask. */
export interface ConditionFacts {
  /** The file's own definition; 'undefined' after an `#undef`; undefined where the file does not say. */
  macro(name: string): Macro | 'undefined' | undefined;
  /** Decides what the file alone cannot: `key` reads like the source, such as `defined(CONFIG_X)`. */
  assume(key: string): boolean;
  /** Counts a step of the evaluation; throws `unclear` where there were too many. */
  step(): void;
}

/** Whether the arm of `#if`, `#elif`, `#ifdef` or `#ifndef` is compiled. */
export function holds(name: string, args: readonly Token[], facts: ConditionFacts): boolean {
  if (name === 'ifdef' || name === 'elifdef') return isDefined(args[0], facts);
  if (name === 'ifndef' || name === 'elifndef') return !isDefined(args[0], facts);
  const tokens = withParens(args);
  const expr = parsed(tokens);
  return expr === undefined ? facts.assume(spelling(args)) : truth(expr, tokens, facts, 0);
}

/** Undefined for what is no expression that the parser knows. */
function parsed(tokens: readonly Token[]): Expr | undefined {
  try {
    return parseWhole(tokens);
  } catch (error) {
    if (!isUnclear(error)) throw error;
    return undefined;
  }
}

function isDefined(token: Token | undefined, facts: ConditionFacts): boolean {
  // `#ifdef 0` is no C, but is used as `#if 0` is.
  if (token === undefined || token.kind === 'num') return token !== undefined && numberOf(token.text) !== 0;
  const macro = facts.macro(token.text);
  if (macro !== undefined) return macro !== 'undefined';
  return facts.assume(`defined(${token.text})`);
}

/** `defined X` as `defined(X)`, so that it parses as a call. */
function withParens(args: readonly Token[]): Token[] {
  const tokens: Token[] = [];
  for (const token of args) {
    const previous = tokens.at(-1);
    if (previous?.text === 'defined' && token.kind === 'id') {
      tokens.push({ ...token, kind: 'punct', text: '(' }, token, { ...token, kind: 'punct', text: ')' });
    } else {
      tokens.push(token);
    }
  }
  return tokens;
}

function spelling(tokens: readonly Token[]): string {
  return tokens
    .map((token) => token.text)
    .join(' ')
    .slice(0, 120);
}

function truth(expr: Expr, tokens: readonly Token[], facts: ConditionFacts, depth: number): boolean {
  if (expr.kind === 'unary' && expr.op === '!') return !truth(expr.operand, tokens, facts, depth);
  if (expr.kind === 'binary' && expr.op === '&&') {
    // A constant on either side decides without an assumption about the other.
    if (constant(expr.right, facts, depth) === 0) return false;
    return truth(expr.left, tokens, facts, depth) && truth(expr.right, tokens, facts, depth);
  }
  if (expr.kind === 'binary' && expr.op === '||') {
    const right = constant(expr.right, facts, depth);
    if (right !== undefined && right !== 0) return true;
    return truth(expr.left, tokens, facts, depth) || truth(expr.right, tokens, facts, depth);
  }
  if (expr.kind === 'call' && expr.callee.kind === 'name' && expr.callee.name === 'defined') {
    return isDefined(tokens[expr.args[0]?.first ?? -1], facts);
  }
  const value = constant(expr, facts, depth);
  return value === undefined ? facts.assume(spelling(tokens.slice(expr.first, expr.last + 1))) : value !== 0;
}

/** The number that an expression is, as far as the file itself says. */
function constant(expr: Expr, facts: ConditionFacts, depth: number): number | undefined {
  facts.step();
  if (expr.kind === 'number') return Number.isNaN(expr.value) ? undefined : expr.value;
  if (expr.kind === 'name') return ofMacro(expr.name, facts, depth);
  if (expr.kind !== 'binary') return undefined;
  const left = constant(expr.left, facts, depth);
  const right = constant(expr.right, facts, depth);
  if (left === undefined || right === undefined) return undefined;
  return COMPARISONS.get(expr.op)?.(left, right);
}

function ofMacro(name: string, facts: ConditionFacts, depth: number): number | undefined {
  const macro = facts.macro(name);
  if (macro === 'undefined') return 0;
  if (macro === undefined || macro.params !== undefined || depth > 8) return undefined;
  const expr = parsed(macro.body);
  return expr === undefined ? undefined : constant(expr, facts, depth + 1);
}
