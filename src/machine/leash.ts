import { execa } from 'execa';
import type { Argv } from './program.ts';

/**
 * How a program that writes is kept from outliving this process, which may be killed at any moment: an orphan could write
 * after the next run has put things back.
 *
 * - `namespace`: the program is in a PID namespace whose first process dies with this one, and everything in it with it.
 * - `signal`: the kernel kills the program itself, but not what it started. Without root nothing better is possible.
 * - `none`: this machine's util-linux can do neither.
 */
export type Leash = 'namespace' | 'signal' | 'none';

/** The whole environment of the leash itself; its tools are this machine's. */
type Environment = Readonly<Record<string, string>>;

const DIES_WITH_PARENT = ['setpriv', '--pdeathsig', 'KILL'] as const;
/**
 * The kernel sends the death signal only if the parent dies after the request. A parent that died before is noticed by
 * its process id: `$0` is this process.
 */
const FIRST = '[ "$PPID" = "$0" ] || exit 137; ';
/**
 * The same inside the new PID namespace, where only the old /proc shows the parent's process id: `$0` is its id there,
 * which is not its own if this process is in a namespace with an older /proc.
 */
const STILL_HELD = 'read -r _ _ _ parent _ < /proc/self/stat; [ "$parent" = "$0" ] || exit 137; shift; ';
const SELF = 'read -r self _ < /proc/self/stat; ';
/**
 * The first process of a PID namespace ignores SIGTERM, so the program is its child. The shell's own message about how
 * that ended must not look like the program's.
 */
const CHILD = 'exec 3>&2 2>/dev/null; (exec "$@") 2>&3 3>&-; exit $?';

/** A program's argument vector with the leash before it; with `none` unchanged. */
export function leashed(leash: Leash, argv: Argv): Argv {
  if (leash === 'none') return argv;
  if (leash === 'namespace') return inNamespace(['--pid'], STILL_HELD + CHILD, argv);
  return [...DIES_WITH_PARENT, 'sh', '-c', `${FIRST}exec "$@"`, String(process.pid), ...argv];
}

/**
 * Runs a shell script of ours, with arguments, as the first process of new namespaces (unshare's options), which end with
 * this process. The script starts with STILL_HELD; after that its arguments are `argv`.
 */
function inNamespace(namespaces: readonly string[], script: string, argv: readonly string[]): Argv {
  const unshare = `exec unshare ${namespaces.join(' ')} --fork --kill-child=KILL -- sh -c "$1" "$self" "$@"`;
  return [...DIES_WITH_PARENT, 'sh', '-c', FIRST + SELF + unshare, String(process.pid), script, ...argv];
}

const known = new Map<boolean, Promise<Leash>>();

/** What this machine can do, tried once. `alone`: for a program of another user, who may not create namespaces. */
export function leashFor(alone: boolean, env: Environment): Promise<Leash> {
  const simple = alone || process.geteuid?.() !== 0;
  const found = known.get(simple) ?? firstThatWorks(simple ? ['signal'] : ['namespace', 'signal'], env);
  known.set(simple, found);
  return found;
}

async function firstThatWorks(leashes: readonly Leash[], env: Environment): Promise<Leash> {
  for (const leash of leashes) {
    const [file, ...args] = leashed(leash, ['true']);
    const { exitCode } = await execa(file, args, { env, extendEnv: false, reject: false, stdio: 'ignore' });
    if (exitCode === 0) return leash;
  }
  return 'none';
}
