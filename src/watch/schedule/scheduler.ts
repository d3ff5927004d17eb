import { failure } from '../../errors.ts';
import type { Target } from '../../machine/port.ts';
import type { Argv } from '../../machine/program.ts';
import { typedShell } from '../../typed.ts';

/** What runs, and how often. */
export interface Job {
  /** The program with its arguments, each a word. */
  readonly command: readonly [string, ...string[]];
  /** Puts a copy of the program into memory, once after boot; undefined: it runs from the disk. */
  readonly load: readonly [string, ...string[]] | undefined;
  /** Beside `CLEAN_ENVIRONMENT`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly everyMinutes: number;
}

/** What Node and the dynamic linker would read before mptfix can clear it away: a scheduler passes on its own. */
export const CLEAN_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LD_PRELOAD: '',
  LD_AUDIT: '',
  LD_LIBRARY_PATH: '',
  NODE_OPTIONS: '',
  NODE_PATH: '',
  NODE_EXTRA_CA_CERTS: '',
};

/** A file or symbolic link that belongs to a schedule. */
export type ScheduleEntry =
  | { readonly path: string; readonly content: string }
  | { readonly path: string; readonly link: string };

/** One way to have something run regularly. */
export interface Scheduler {
  readonly name: 'systemd' | 'cron.d' | 'crontab';
  /** Whether the guest has it, and whether its running system uses it. */
  readonly isPresent: (target: Target) => Promise<boolean>;
  /** All that is written; `before` is what a file of that path holds now. */
  readonly entries: (job: Job, before: (path: string) => string) => readonly ScheduleEntry[];
  /** What is written again without the job; files that are mptfix's own are removed. */
  readonly cleared: (path: string, content: string) => string | undefined;
  /** Paths that `entries` writes. */
  readonly paths: readonly string[];
  /** Commands for this machine after writing and before removing; a tree gets none. */
  readonly start: readonly Argv[];
  readonly stop: readonly Argv[];
  readonly after: readonly Argv[];
}

/**
 * systemd refuses who asks from a PID namespace of his own, for it cannot see his number (`Failed to connect to bus: No
 * data available`), so this is on no leash; what systemctl asks for is done by systemd anyway.
 */
export async function runAll(target: Target, commands: readonly Argv[]): Promise<void> {
  for (const argv of commands) {
    const options = { effect: 'write', mayOutlive: true, timeoutMs: 120_000 } as const;
    const { status, stderr } = await target.run(argv, options);
    if (status !== 0 && !/not loaded/.test(stderr))
      throw failure(
        'E_SCHEDULE',
        `${argv.join(' ')}: ${stderr.trim()}`,
        `look at it with ${typedShell(['systemctl', 'status'])}, then run the command again`,
      );
  }
}
