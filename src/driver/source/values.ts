/** The possible values of an expression; undefined where anything is possible. */
export type Value = readonly number[] | undefined;

/** Variables by name and fields by path, such as `status` and `sc.result`. */
export type Env = Map<string, Value>;

/** With more possibilities than this, nothing is known. */
const MAX_VALUES = 16;

function toValue(numbers: Iterable<number>): Value {
  const distinct = new Set<number>();
  for (const number of numbers) {
    if (!Number.isFinite(number)) return undefined;
    distinct.add(number >>> 0);
    if (distinct.size > MAX_VALUES) return undefined;
  }
  return [...distinct].sort((a, b) => a - b);
}

/** What is known where two paths of a program meet. */
export function joinValues(left: Value, right: Value): Value {
  return left === undefined || right === undefined ? undefined : toValue([...left, ...right]);
}

/** Joins two states; undefined is a path that is never taken. */
export function joinEnvs(left: Env | undefined, right: Env | undefined): Env | undefined {
  if (left === undefined || right === undefined || left === right) return left ?? right;
  const joined: Env = new Map();
  // Known on one path only: anything on the other.
  for (const name of [...left.keys(), ...right.keys()])
    joined.set(name, joinValues(left.get(name), right.get(name)));
  return joined;
}

/** True, false, or undefined where it is not known. */
export function truthOf(value: Value): boolean | undefined {
  if (value === undefined || value.length === 0) return undefined;
  if (value.every((number) => number === 0)) return false;
  return value.every((number) => number !== 0) ? true : undefined;
}

type Operation = (left: number, right: number) => number;

/** C's comparisons, which answer a number. */
export const COMPARISONS: ReadonlyMap<string, Operation> = new Map([
  ['==', (left, right) => Number(left === right)],
  ['!=', (left, right) => Number(left !== right)],
  ['<', (left, right) => Number(left < right)],
  ['>', (left, right) => Number(left > right)],
  ['<=', (left, right) => Number(left <= right)],
  ['>=', (left, right) => Number(left >= right)],
]);

const ARITHMETIC: ReadonlyMap<string, Operation> = new Map([
  ['|', (left, right) => left | right],
  ['^', (left, right) => left ^ right],
  ['&', (left, right) => left & right],
  ...COMPARISONS,
  ['<<', (left, right) => (right > 31 ? Number.NaN : left << right)],
  ['>>', (left, right) => (right > 31 ? Number.NaN : left >>> right)],
  ['+', (left, right) => left + right],
  ['-', (left, right) => left - right],
  ['*', (left, right) => Math.imul(left, right)],
  ['/', (left, right) => Math.trunc(left / right)],
  ['%', (left, right) => left % right],
]);

/** A binary operator of C on unsigned 32-bit numbers. */
export function applyBinary(op: string, left: Value, right: Value): Value {
  if (op === '&' && (truthOf(left) === false || truthOf(right) === false)) return [0];
  const compute = ARITHMETIC.get(op);
  if (compute === undefined || left === undefined || right === undefined) return undefined;
  return toValue(left.flatMap((a) => right.map((b) => compute(a, b))));
}

/** `!`, `~`, `-` and `+`; pointers and addresses are unknown. */
export function applyUnary(op: string, operand: Value): Value {
  if (operand === undefined) return undefined;
  if (op === '!') return toValue(operand.map((number) => Number(number === 0)));
  if (op === '~') return toValue(operand.map((number) => ~number));
  if (op === '-') return toValue(operand.map((number) => -number));
  return op === '+' ? operand : undefined;
}
