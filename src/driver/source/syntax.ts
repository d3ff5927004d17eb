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

export type Stmt = Span &
  (
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
    /** Tokens up to a semicolon that are no C that we know. */
    | { readonly kind: 'opaque' }
  );

export interface Declared {
  readonly name: string;
  readonly value?: Expr;
}

/** Thrown inside this folder where the code cannot be judged with certainty; becomes the shape `unparsable`. */
export interface Unclear extends Error {
  readonly unclearLine?: number;
}

/** Makes the error that stops the reading of a file, with the reason a person will read. */
export function unclear(reason: string, line?: number): Unclear {
  return Object.assign(new Error(reason), {
    isUnclear: true as const,
    ...(line === undefined ? {} : { unclearLine: line }),
  });
}

export function isUnclear(error: unknown): error is Unclear {
  return error instanceof Error && 'isUnclear' in error;
}
