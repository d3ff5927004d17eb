import type { Macro } from './condition.ts';
import { type Expr, type Span, unclear } from './syntax.ts';
import type { Token } from './tokens.ts';
import type { Value } from './values.ts';

/** A write to a command's result, as it happened in a run. */
export interface ResultWrite {
  /** The node of the function's own text: the assignment, or the call of the macro that holds it. */
  readonly node: Expr;
  /** The command's path, such as `sc`. */
  readonly command: string;
  readonly value: Value;
}

/** Steps that a scan may still take: statements and expressions that are followed, and what is copied for them. */
export interface Allowance {
  steps: number;
}

/** Takes steps of the allowance; throws `unclear` where there are none left. */
export function spend(allowance: Allowance, steps: number): void {
  allowance.steps -= steps;
  if (allowance.steps < 0) throw unclear('the completion routine is too large to follow');
}

/** A run of the routine: what the controller replied, and what was seen on the way. */
export interface Run {
  readonly tokens: readonly Token[];
  macro(name: string): Macro | undefined;
  /** The controller's reply, by field of its frame, such as SCSIStatus. */
  readonly inputs: ReadonlyMap<string, number>;
  readonly writes: ResultWrite[];
  /** Indexes of the tokens that named DID_BUS_BUSY on the run's path. */
  readonly busBusy: Set<number>;
  /** The switch on the IOC status was entered: from then on, each exit from the routine is an outcome. */
  reached: boolean;
  /** Functions of the same file that set a command's result. */
  readonly writers: ReadonlySet<string>;
  /** What may still be done; shared by all runs of a scan. */
  readonly allowance: Allowance;
  /** How deep in macros, and the node in the function's text that led there. */
  macroDepth: number;
  outer: Expr | undefined;
}

/** Stops where tokens that are not followed mention the result. */
export function refuseTelling(span: Span, run: Run): void {
  spend(run.allowance, span.last - span.first + 1);
  for (let at = span.first; at <= span.last && run.macroDepth === 0; at += 1) {
    const token = run.tokens[at];
    if (token === undefined || token.kind === 'str') continue;
    const next = run.tokens[at + 1]?.text ?? '';
    const isField = token.text === 'result' && /^(?:->|\.)$/.test(run.tokens[at - 1]?.text ?? '');
    if ((isField && /^(?:[-+*/%&|^]|<<|>>)?=$/.test(next)) || token.text.endsWith('DID_BUS_BUSY')) {
      throw unclear(`a statement about the result cannot be read on line ${token.line}`, token.line);
    }
  }
}

/** What the controller put into a field of its reply. */
export function numberInput(field: string, run: Run): Value {
  const input = run.inputs.get(field);
  return input === undefined ? undefined : [input];
}

/** `a->b.c` and `(*a).b.c` as `a.b.c`; undefined for what is no plain variable or field. */
export function pathOf(expr: Expr): string | undefined {
  if (expr.kind === 'name') return expr.name;
  if (expr.kind === 'unary' && expr.op === '*') return pathOf(expr.operand);
  if (expr.kind !== 'member') return undefined;
  const base = pathOf(expr.base);
  return base === undefined ? undefined : `${base}.${expr.field}`;
}
