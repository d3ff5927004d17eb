import type { Macro } from './condition.ts';
import { HOST, numberNamed } from './constants.ts';
import { parseWhole } from './expression.ts';
import { numberInput, pathOf, type Run, refuseTelling, spend } from './run.ts';
import { type Expr, isUnclear, unclear } from './syntax.ts';
import type { Token } from './tokens.ts';
import { applyBinary, applyUnary, type Env, joinValues, truthOf, type Value } from './values.ts';

const IDENTITY =
  /^(?:(?:__)?(?:le|be|cpu)(?:8|16|32|64)?_to_(?:cpu|le|be)(?:8|16|32|64)?p?s?|__constant_\w+|READ_ONCE|ACCESS_ONCE)$/;
/** Helpers of include/scsi/scsi_cmnd.h: the byte of the result that each one sets, by its shift. */
const SET_BYTE: ReadonlyMap<string, number> = new Map([
  ['set_status_byte', 0],
  ['set_msg_byte', 8],
  ['set_host_byte', 16],
  ['set_driver_byte', 24],
]);
const GET_BYTE: ReadonlyMap<string, number> = new Map([
  ['get_status_byte', 0],
  ['get_host_byte', 16],
  ['host_byte', 16],
  ['driver_byte', 24],
]);

/** Evaluates an expression for its value and its effects on `env`. */
export function evaluate(expr: Expr, env: Env, run: Run): Value {
  spend(run.allowance, 1);
  switch (expr.kind) {
    case 'number':
      return Number.isNaN(expr.value) ? undefined : [expr.value >>> 0];
    case 'name':
      return evaluateName(expr, env, run);
    case 'member':
      return evaluateMember(expr, env, run);
    case 'call':
      return evaluateCall(expr, env, run);
    case 'unary':
      return applyUnary(expr.op, evaluate(expr.operand, env, run));
    case 'binary':
      return evaluateBinary(expr, env, run);
    case 'choice': {
      const test = truthOf(evaluate(expr.test, env, run));
      if (test !== undefined) return evaluate(test ? expr.yes : expr.no, env, run);
      return joinValues(evaluate(expr.yes, env, run), evaluate(expr.no, env, run));
    }
    case 'assign':
      return evaluateAssign(expr, env, run);
    case 'opaque':
      refuseTelling(expr, run);
      return undefined;
  }
}

function evaluateBinary(expr: Expr & { kind: 'binary' }, env: Env, run: Run): Value {
  const left = evaluate(expr.left, env, run);
  if (expr.op === '&&' || expr.op === '||') {
    const decides = expr.op === '||';
    const known = truthOf(left);
    if (known === decides) return [Number(decides)];
    const right = truthOf(evaluate(expr.right, env, run));
    if (right === decides || (known !== undefined && right !== undefined)) return [Number(right)];
    return [0, 1];
  }
  const right = evaluate(expr.right, env, run);
  return expr.op === ',' ? right : applyBinary(expr.op, left, right);
}

function evaluateName(expr: Expr & { kind: 'name' }, env: Env, run: Run): Value {
  const { name } = expr;
  if (env.has(name)) return env.get(name);
  const macro = run.macro(name);
  if (macro !== undefined && macro.params === undefined && macro.body.length > 0)
    return expand(macro.body, expr, env, run);
  const known = numberNamed(name);
  if (known !== undefined) {
    if (known === HOST.BUS_BUSY && name.endsWith('DID_BUS_BUSY') && run.macroDepth === 0)
      run.busBusy.add(expr.first);
    return [known];
  }
  // A status that comes as a parameter instead of being read from the frame here.
  if (/^scsi_?status$/i.test(name)) return numberInput('SCSIStatus', run);
  if (/^scsi_?state$/i.test(name)) return numberInput('SCSIState', run);
  return undefined;
}

function evaluateMember(expr: Expr & { kind: 'member' }, env: Env, run: Run): Value {
  const path = pathOf(expr);
  if (path !== undefined && env.has(path)) return env.get(path);
  return numberInput(expr.field, run);
}

function evaluateAssign(expr: Expr & { kind: 'assign' }, env: Env, run: Run): Value {
  const right = evaluate(expr.value, env, run);
  const value =
    expr.op === '=' ? right : applyBinary(expr.op.slice(0, -1), evaluate(expr.target, env, run), right);
  const path = pathOf(expr.target);
  if (path !== undefined) write({ path, value, node: expr }, env, run);
  return value;
}

/** @param write `node`: the expression that writes */
function write(write: { path: string; value: Value; node: Expr }, env: Env, run: Run): void {
  const { path, value, node } = write;
  env.set(path, value);
  if (path.endsWith('.result'))
    run.writes.push({ node: run.outer ?? node, command: path.slice(0, -'.result'.length), value });
}

function evaluateCall(expr: Expr & { kind: 'call' }, env: Env, run: Run): Value {
  const callee = expr.callee.kind === 'name' ? expr.callee.name : '';
  const macro = run.macro(callee);
  if (macro?.params !== undefined && run.macroDepth < 8)
    return expand(substitute(macro, expr, run), expr, env, run);
  const [first, second] = expr.args;
  const shift = SET_BYTE.get(callee);
  if (shift !== undefined && first !== undefined && second !== undefined) {
    const path = `${pathOf(first) ?? '?'}.result`;
    const byte = applyBinary('<<', evaluate(second, env, run), [shift]);
    const rest = applyBinary('&', env.get(path), [~(0xff << shift) >>> 0]);
    write({ path, value: applyBinary('|', rest, byte), node: expr }, env, run);
    return undefined;
  }
  const values = expr.args.map((arg) => evaluate(arg, env, run));
  const get = GET_BYTE.get(callee);
  if (get !== undefined) return applyBinary('&', applyBinary('>>', values[0], [get]), [0xff]);
  if (IDENTITY.test(callee)) return values[0];
  if (callee === 'likely' || callee === 'unlikely') return applyUnary('!', applyUnary('!', values[0]));
  if (run.reached && run.writers.has(callee)) {
    const line = run.tokens[expr.first]?.line;
    throw unclear(`${callee}() may set the result, and is not followed`, line);
  }
  forgetArguments(expr, env, run);
  return undefined;
}

/** A function that is not in sight may write through an address; none may be given DID_BUS_BUSY. */
function forgetArguments(expr: Expr & { kind: 'call' }, env: Env, run: Run): void {
  for (const arg of expr.args) {
    spend(run.allowance, arg.last - arg.first + 1);
    if (arg.kind === 'unary' && arg.op === '&') {
      const path = pathOf(arg.operand);
      if (path !== undefined) env.set(path, undefined);
    }
    for (let at = arg.first; at <= arg.last && run.macroDepth === 0; at += 1) {
      const token = run.tokens[at];
      if (token?.text.endsWith('DID_BUS_BUSY')) {
        throw unclear(`DID_BUS_BUSY is passed to a function on line ${token.line}`, token.line);
      }
    }
  }
}

/** A function-like macro's body with the arguments' tokens in place of its parameters. */
function substitute(macro: Macro, call: Expr & { kind: 'call' }, run: Run): Token[] {
  const body: Token[] = [];
  for (const token of macro.body) {
    const index = macro.params?.indexOf(token.text) ?? -1;
    const arg = token.kind === 'id' && index >= 0 ? call.args[index] : undefined;
    if (arg === undefined) body.push(token);
    else body.push(...run.tokens.slice(arg.first, arg.last + 1));
    if (body.length > 2000) throw unclear(`a macro is too large on line ${token.line}`, token.line);
  }
  return body;
}

/** Evaluates a macro's body in place of `node`. A body that is no expression must not hold anything that matters here. */
function expand(body: readonly Token[], node: Expr, env: Env, run: Run): Value {
  const inner: Run = { ...run, tokens: body, macroDepth: run.macroDepth + 1, outer: run.outer ?? node };
  if (inner.macroDepth > 8) return undefined;
  spend(run.allowance, body.length);
  let value: Value;
  for (const part of parts(body)) {
    try {
      value = evaluate(parseWhole(part), env, { ...inner, tokens: part });
      continue;
    } catch (error) {
      if (!isUnclear(error)) throw error;
    }
    const telling = part.find((token) => token.text === 'result' || token.text.endsWith('DID_BUS_BUSY'));
    if (telling !== undefined) {
      const line = run.tokens[node.first]?.line ?? telling.line;
      throw unclear(`the macro used on line ${line} sets the result in a way that cannot be read`, line);
    }
    value = undefined;
  }
  return value;
}

/** The statements of a macro: of `do { a; b; } while (0)` the two within, else the body as it is. */
function parts(body: readonly Token[]): Token[][] {
  const open = body[0]?.text === 'do' ? 1 : 0;
  const close = body.findLastIndex((token) => token.text === '}');
  const braced = body[open]?.text === '{' && close > 0;
  const found: Token[][] = [[]];
  for (const token of braced ? body.slice(open + 1, close) : body) {
    if (token.text === ';') found.push([]);
    else found.at(-1)?.push(token);
  }
  return found.filter((part) => part.length > 0);
}
