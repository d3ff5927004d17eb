import type { Failure } from '../errors.ts';
import type { FailureDocument } from './failure-document.ts';
import { printable, printableJson, printablePage } from './printable.ts';

/** Reports a failed run: what and what next on stderr; with `json` also as the document on stdout. */
export function sayFailure(problem: Failure, json: boolean, cause: unknown): void {
  const failure = { ...problem, what: oneLine(problem.what), next: oneLine(problem.next) };
  const lines = [`mptfix: ${failure.code}: ${printable(failure.what)}`, `  next: ${printable(failure.next)}`];
  if (failure.log !== undefined) lines.push(`  log:  ${printable(failure.log)}`);
  if (cause instanceof Error && cause.stack !== undefined) lines.push(shownStack(cause, cause.stack));
  process.stderr.write(`${lines.join('\n')}\n`);
  if (!json) return;
  const document: FailureDocument = { schema: 'mptfix.error/1', error: failure };
  process.stdout.write(`${printableJson(document, 2)}\n`);
}

/** The calls are lines; what the message quotes makes none of its own. */
function shownStack({ name, message }: Error, stack: string): string {
  const head = [`${name}: ${message}`, message].find((text) => stack.startsWith(text)) ?? '';
  return `${printable(head)}${printablePage(stack.slice(head.length))}`;
}

/** Scripts and logs take a line for a thing: what a tool or a parser said in several becomes one. */
function oneLine(text: string): string {
  return text.trim().replace(/\s*[\r\n]+\s*/g, ' ');
}
