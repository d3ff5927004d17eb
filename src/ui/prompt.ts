import { createInterface } from 'node:readline/promises';
import { defined } from '../optional.ts';
import { printable } from './printable.ts';

/** Whether a person is there to answer. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks on stderr; anything but a clear yes is a no. */
export async function askYes(question: string, signal?: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${printable(question)} [y/N] `, defined({ signal }));
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
