import { failure } from '../errors.ts';
import { CHILD, inNamespace, STILL_HELD } from './leash.ts';
import type { Argv, RunOptions, RunResult, TargetReads } from './port.ts';
import { findProgram, TOOL_PATH } from './programs.ts';
import { runPlainly } from './run.ts';

type Guest = Pick<TargetReads, 'stat'>;

/** The guest's own path of one of its programs; undefined where it has none of that name. */
export async function findInside(guest: Guest, name: string): Promise<string | undefined> {
  const paths = name.includes('/') ? [name] : TOOL_PATH.split(':').map((folder) => `${folder}/${name}`);
  for (const path of paths) {
    const status = await guest.stat(path);
    if (status?.type === 'file' && (status.mode & 0o111) !== 0) return path;
  }
  return undefined;
}

/** The network too: a tool must not learn what this machine is connected to. */
const NAMESPACES = ['--mount', '--pid', '--net', '--ipc'];

/** A guest's tool has no business with the kernel that this machine runs. */
const NO_CAPABILITIES = '-sys_module,-sys_boot,-sys_time,-sys_rawio';

const NOT_ENTERED = 'mptfix: the tree could not be entered';

/**
 * Enters the tree `$1` and runs the rest. The mounts exist only in this namespace and disappear with its last process.
 * No folder is created in a tree that lacks a mount point, or has a link in its place: its folders are bound into an
 * empty root that has the mount points.
 *
 * mount's -c keeps it from resolving `./name`, which by then is the tree below the empty root.
 */
const ENTER = `${STILL_HELD}root=$1; shift
real() { [ -d "$1" ] && ! [ -L "$1" ]; }
empty_root() {
  mount -t tmpfs -o mode=755 tmpfs "$root" || return
  for name in * .[!.]*; do
    case $name in
      proc|dev|sys|tmp) real "$name" || continue ;;
    esac
    if [ -L "$name" ]; then cp -P "$name" "$root/" || return
    elif [ -d "$name" ]; then mkdir "$root/$name" && mount -c --rbind "./$name" "$root/$name" || return
    elif [ -f "$name" ]; then : > "$root/$name" && mount -c --bind "./$name" "$root/$name" || return
    fi
  done
  mkdir -p "$root/proc" "$root/dev" && mkdir -p -m 1777 "$root/tmp"
}
devices() {
  mount -t tmpfs -o mode=755,nosuid,noexec tmpfs "$root/dev" || return
  for name in null zero full random urandom tty; do
    [ -c "/dev/$name" ] || continue
    : > "$root/dev/$name" && mount --bind "/dev/$name" "$root/dev/$name" || return
  done
  ln -s /proc/self/fd "$root/dev/fd" && ln -s fd/0 "$root/dev/stdin" &&
    ln -s fd/1 "$root/dev/stdout" && ln -s fd/2 "$root/dev/stderr" && mkdir "$root/dev/shm" "$root/dev/pts"
}
enter() {
  cd "$root" || return
  if real proc && real dev && real tmp; then mount --rbind "$root" "$root"
  else empty_root
  fi || return
  mount -t proc -o ro,nosuid,nodev,noexec proc "$root/proc" || return
  mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp" || return
  if real "$root/run"; then mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run" || return; fi
  if real "$root/sys"; then mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys" || return; fi
  devices && cd / && unset OLDPWD
}
enter || { echo '${NOT_ENTERED}' >&2; exit 125; }
set -- setpriv --bounding-set=${NO_CAPABILITIES} chroot "$root" "$@"
${CHILD}`;

/** Runs a program of the guest's tree at `root`, as `RunOptions.inside` says. */
export async function runInside(
  root: string,
  argv: Argv,
  options: RunOptions,
  guest: Guest,
): Promise<RunResult> {
  const [program, ...args] = argv;
  if (process.geteuid?.() !== 0) {
    throw failure(
      'E_NOT_ROOT',
      `only root can run the guest’s ${program} in its tree`,
      'run the same command with sudo',
    );
  }
  for (const name of ['setpriv', 'unshare', 'chroot']) {
    if ((await findProgram(name)) === undefined)
      throw failure(
        'E_TOOLS_MISSING',
        `not installed on this machine: ${name}, which mptfix needs to run the guest’s ${program} in its tree`,
        'apt-get install --yes util-linux coreutils',
      );
  }
  const path = await findInside(guest, program);
  if (path === undefined) {
    throw failure(
      'E_TOOLS_MISSING',
      `the guest has no ${program}`,
      `install it in the guest, or give --root the folder that holds all of the guest`,
    );
  }
  const result = await runPlainly(inNamespace(NAMESPACES, ENTER, [root, path, ...args]), options);
  refuseWhatDidNotStart(path, result);
  return result;
}

function refuseWhatDidNotStart(path: string, { status, stderr }: RunResult): void {
  const [first = ''] = stderr.split('\n', 1);
  if (stderr.includes(NOT_ENTERED) || first.startsWith('unshare: ')) {
    throw failure(
      'E_NOT_ROOT',
      `this user may not enter the guest’s tree: ${first}`,
      'run mptfix where root may mount (in a container: with CAP_SYS_ADMIN)',
    );
  }
  if ((status !== 126 && status !== 127) || !/^chroot: /.test(first)) return;
  if (first.endsWith('Exec format error')) {
    throw failure(
      'E_ARCH_UNSUPPORTED',
      `${path} of the guest is built for another processor than this machine’s`,
      'run mptfix on a machine of the guest’s architecture, or in the guest',
    );
  }
  throw failure(
    'E_TOOLS_MISSING',
    `${path} of the guest cannot be started: ${first.slice('chroot: '.length)}`,
    'its interpreter or loader is missing: give --root the folder that holds all of the guest',
  );
}
