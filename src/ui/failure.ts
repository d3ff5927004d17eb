import type { Failure } from '../errors.ts';

/** Tells a failed run: what and what next on stderr; with `json` also as the document on stdout. */
export function sayFailure(failure: Failure, json: boolean, cause: unknown): void {
  const lines = [`mptfix: ${failure.code}: ${failure.what}`, `  next: ${failure.next}`];
  if (failure.log !== undefined) lines.push(`  log:  ${failure.log}`);
  if (cause instanceof Error && cause.stack !== undefined) lines.push(cause.stack);
  process.stderr.write(`${lines.join('\n')}\n`);
  if (json) sayFailureDocument(failure);
}

/** The one document that a failed run prints on stdout with `--json`. */
export function sayFailureDocument(failure: Failure): void {
  process.stdout.write(`${JSON.stringify({ schema: 'mptfix.error/1', error: failure }, null, 2)}\n`);
}
