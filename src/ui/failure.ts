import type { Failure } from '../errors.ts';
import type { FailureDocument } from './failure-document.ts';
import { say } from './output.ts';
import { printable, printableJson, printablePage } from './printable.ts';

/** Reports a failed run: what and what next on stderr; with `json` also as the document on stdout, or as one line of many. */
export function sayFailure(problem: Failure, json: boolean | 'line', cause: unknown): void {
  const lines = [...failureLines(problem, 'mptfix')];
  if (cause instanceof Error && cause.stack !== undefined) lines.push(shownStack(cause, cause.stack));
  say(lines.join('\n'));
  if (json === false) return;
  process.stdout.write(`${printableJson(failureDocument(problem), json === 'line' ? undefined : 2)}\n`);
}

/** What and what next, a line each; `who` stands before it all. */
export function failureLines(problem: Failure, who: string): readonly string[] {
  const { code, what, next, log } = onLines(problem);
  const lines = [`${who}: ${code}: ${printable(what)}`, `  next: ${printable(next)}`];
  return log === undefined ? lines : [...lines, `  log:  ${printable(log)}`];
}

/** The same as a document. */
export function failureDocument(problem: Failure): FailureDocument {
  return { schema: 'mptfix.error/1', error: onLines(problem) };
}

function onLines(problem: Failure): Failure {
  return { ...problem, what: oneLine(problem.what), next: oneLine(problem.next) };
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
