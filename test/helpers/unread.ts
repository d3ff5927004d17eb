import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BIN, type Run } from './cli.ts';

/** Which of mptfix's streams have a reader that goes away; what the others get is answered. */
export const STDOUT_GONE = '2> stderr';
export const STDERR_GONE = '2>&1 > stdout';
export const BOTH_GONE = '2>&1';

/**
 * Runs mptfix in a shell where `redirection` stands behind its words, and at the end of its pipe a reader that has
 * ended before the first line; answers its own exit status, and what came out where somebody still reads.
 */
export function unread(redirection: string, ...words: readonly string[]): Run {
  const folder = mkdtempSync('/var/tmp/mptfix-unread-');
  const script = `cd "$1"; shift; { sleep 0.2; "$@" ${redirection}; echo $? > status; } | true`;
  const read = (name: string): string =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '';
  try {
    spawnSync('bash', ['-c', script, 'bash', folder, process.execPath, BIN, ...words]);
    return { status: Number(read('status') || Number.NaN), stdout: read('stdout'), stderr: read('stderr') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
