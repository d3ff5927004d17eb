import { createInterface } from 'node:readline/promises';
import { failure } from '../errors.ts';
import { defined } from '../optional.ts';
import { shownHere } from './ascii.ts';
import { say } from './output.ts';
import { printable } from './printable.ts';

/** Whether a person is there to answer. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks on stderr; anything but a clear yes is a no, also the end of the input (Ctrl-D). */
export async function askYes(question: string, signal?: AbortSignal): Promise<boolean> {
  // The terminal itself edits the line: it also works where no cursor can be moved, and Ctrl-C is a signal like any other.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  const ended = new Promise<string>((resolve) => {
    lines.once('close', () => {
      process.stderr.write('\n');
      resolve('');
    });
  });
  try {
    const asked = lines.question(`${shownHere(printable(question))} [y/N] `, defined({ signal }));
    const answer = await Promise.race([asked, ended]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.removeAllListeners('close');
    lines.close();
  }
}

/** Shows what will be done and asks, unless `--yes`. Throws E_CONFIRM_REQUIRED where nobody can answer. */
export async function confirm(
  page: string,
  options: { readonly yes: boolean },
  signal: AbortSignal,
): Promise<void> {
  if (options.yes) return;
  if (!canAsk()) {
    throw failure(
      'E_CONFIRM_REQUIRED',
      'this changes the guest, and nobody is at the terminal to confirm it',
      'run the same command with --dry-run to see what it would do, then again with --yes',
    );
  }
  say(page);
  if (await askYes('Continue?', signal)) return;
  throw failure(
    'E_DECLINED',
    'not confirmed: nothing was changed',
    'run the command again when you are ready',
  );
}
