import { LIMITS } from '../../limits.ts';
import { isSuccessName } from './constants.ts';
import { isSuccessCase, type WayToSwitch } from './execute.ts';
import { parseBody } from './statement.ts';
import { type Expr, type Stmt, unclear } from './syntax.ts';
import type { Token } from './tokens.ts';

/** The driver's completion routine, as a tree. */
export interface Routine {
  readonly name: string;
  /** The tokens between its braces; the tree's spans index them. */
  readonly tokens: readonly Token[];
  readonly body: readonly Stmt[];
  readonly way: WayToSwitch;
  /** The file's other functions that set a command's result. */
  readonly writers: ReadonlySet<string>;
}

/** Where a function's text is: its line, and the token indexes of its name and of its braces. */
export interface FunctionPlace {
  readonly name: string;
  readonly line: number;
  readonly at: number;
  readonly open: number;
  /** Undefined where the text ends first. */
  readonly close: number | undefined;
}

const KEYWORDS = new Set(['if', 'while', 'for', 'switch', 'do', 'else', 'return', 'sizeof']);

/** A file's functions are asked for more than once. */
const known = new WeakMap<readonly Token[], readonly FunctionPlace[]>();

/** All `name(…) {…}` of a file, but not those inside functions (macros that are loops). */
export function functionsOf(tokens: readonly Token[]): readonly FunctionPlace[] {
  const places = known.get(tokens) ?? findFunctions(tokens);
  known.set(tokens, places);
  return places;
}

function findFunctions(tokens: readonly Token[]): FunctionPlace[] {
  const partner = partners(tokens);
  const attributeEnd = attributeEnds(tokens, partner);
  const places: FunctionPlace[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token?.kind !== 'id' || tokens[at + 1]?.text !== '(' || KEYWORDS.has(token.text)) continue;
    const closing = partner[at + 1] ?? 0;
    const open = attributeEnd[closing + 1] ?? 0;
    if (closing === 0 || tokens[open]?.text !== '{') continue;
    const end = partner[open] ?? 0;
    places.push({ name: token.text, line: token.line, at, open, close: end > 0 ? end : undefined });
    if (end > 0) at = end;
  }
  return places;
}

/**
 * For each token the place after the attributes that start there, which may be between a function's parameters and its
 * brace: `__acquires(lock)`, `__init`. From the end, so that each is looked at once.
 */
function attributeEnds(tokens: readonly Token[], partner: Uint32Array): Uint32Array {
  const ends = new Uint32Array(tokens.length + 1).map((_, at) => at);
  for (let at = tokens.length - 1; at >= 0; at -= 1) {
    if (tokens[at]?.text.startsWith('__') !== true) continue;
    const close = tokens[at + 1]?.text === '(' ? (partner[at + 1] ?? 0) : 0;
    ends[at] = ends[close > 0 ? close + 1 : at + 1] ?? 0;
  }
  return ends;
}

/** Which parenthesis and brace closes which; 0 for one that nothing closes, and for all other tokens. */
function partners(tokens: readonly Token[]): Uint32Array {
  const partner = new Uint32Array(tokens.length);
  const parens: number[] = [];
  const braces: number[] = [];
  tokens.forEach((token, at) => {
    if (token.kind !== 'punct') return;
    if (token.text === '(') parens.push(at);
    else if (token.text === '{') braces.push(at);
    else if (token.text === ')' || token.text === '}') {
      const open = (token.text === ')' ? parens : braces).pop();
      if (open !== undefined) partner[open] = at;
    }
  });
  return partner;
}

/** True for the routine's name in every era, 2.4 and RHEL 4 included. */
export function isCompletionName(name: string): boolean {
  return /^mptscsih?_io_done$/.test(name);
}

/**
 * Finds the routine that handles the controller's replies: by name, else the only function that switches on the IOC
 * status and sets a command's result. Undefined where there is none; throws `unclear` where it cannot be read.
 */
export function findRoutine(tokens: readonly Token[]): Routine | undefined {
  const places = functionsOf(tokens);
  const named = places.filter((place) => isCompletionName(place.name));
  const [only, again] = named;
  if (again !== undefined) throw unclear(`${again.name} is defined ${named.length} times`, again.line);
  if (only !== undefined) return readRoutine(tokens, only, places);
  const alike = places.filter((place) => looksLikeRoutine(tokens, place));
  if (alike.length > 1) throw unclear('more than one function switches on the IOC status and sets a result');
  const [other] = alike;
  return other === undefined ? undefined : readRoutine(tokens, other, places);
}

function looksLikeRoutine(tokens: readonly Token[], place: FunctionPlace): boolean {
  if (!writesResult(tokens, place)) return false;
  const within = tokens.slice(place.open, place.close);
  return within.some((token, at) => token.text === 'case' && isSuccessName(within[at + 1]?.text ?? ''));
}

function writesResult(tokens: readonly Token[], place: FunctionPlace): boolean {
  for (let at = place.open; at < (place.close ?? place.open); at += 1) {
    const isField = tokens[at]?.text === 'result' && tokens[at - 1]?.text === '->';
    if (isField && /^[&|^]?=$/.test(tokens[at + 1]?.text ?? '')) return true;
  }
  return false;
}

function readRoutine(
  tokens: readonly Token[],
  place: FunctionPlace,
  places: readonly FunctionPlace[],
): Routine {
  if (place.close === undefined) {
    throw unclear(`${place.name} has no end: the file is truncated`, place.line);
  }
  const inner = tokens.slice(place.open + 1, place.close);
  if (inner.length > LIMITS.routineTokens)
    throw unclear(`${place.name} has more than ${LIMITS.routineTokens} words and signs`, place.line);
  const body = parseBody(inner);
  const way = wayToSwitch(body, place);
  const writers = new Set(
    places.filter((other) => other !== place && writesResult(tokens, other)).map((other) => other.name),
  );
  return { name: place.name, tokens: inner, body, way, writers };
}

function wayToSwitch(body: readonly Stmt[], { name, line }: FunctionPlace): WayToSwitch {
  const way = new Set<Stmt>();
  let found = 0;
  const visit = (statement: Stmt, path: readonly Stmt[]): void => {
    const here = [...path, statement];
    if (
      statement.kind === 'switch' &&
      statement.body.some(isSuccessCase) &&
      statement.body.some(setsResult)
    ) {
      found += 1;
      for (const step of here) way.add(step);
    }
    for (const child of childrenOf(statement)) visit(child, here);
  };
  for (const statement of body) visit(statement, []);
  if (found === 0) throw unclear(`${name} has no switch on the IOC status with a SUCCESS case`, line);
  if (found > 1) throw unclear(`${name} has more than one switch on the IOC status`, line);
  return way;
}

/** The statements directly within a statement. */
export function childrenOf(statement: Stmt): readonly Stmt[] {
  if (statement.kind === 'block' || statement.kind === 'switch') return statement.body;
  if (statement.kind === 'loop') return [statement.body];
  if (statement.kind !== 'if') return [];
  return statement.no === undefined ? [statement.yes] : [statement.yes, statement.no];
}

function setsResult(statement: Stmt): boolean {
  if (statement.kind === 'expression') return touchesResult(statement.expr);
  return childrenOf(statement).some(setsResult);
}

function touchesResult(expr: Expr): boolean {
  if (expr.kind === 'assign') return expr.target.kind === 'member' && expr.target.field === 'result';
  if (expr.kind === 'binary') return touchesResult(expr.left) || touchesResult(expr.right);
  return expr.kind === 'call' && expr.args.length > 0;
}
