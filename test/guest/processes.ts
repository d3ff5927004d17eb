import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

/** A real process that says `ready` when it holds what it should, and lives until the test is done. */
export async function process(script: string, ...args: readonly string[]): Promise<ChildProcess> {
  // The title that perl gives itself must fit into the words that it was started with.
  const child = spawn(
    'perl',
    ['-e', `$| = 1; ${script}; print "ready\\n"; sleep 60;`, ...args, 'x'.repeat(200)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

/** A process that holds a lock of fcntl(2), as rpm and dnf5 take it. */
export function lockHolder(file: string, kind: 'F_WRLCK' | 'F_RDLCK'): Promise<ChildProcess> {
  return process(
    `use Fcntl; open(my $f, "+>>", $ARGV[0]) or die $!; my $l = pack("s s x4 q q l x4", ${kind}, 0, 0, 0, 0);
     fcntl($f, F_SETLK, $l) or die $!`,
    file,
  );
}
