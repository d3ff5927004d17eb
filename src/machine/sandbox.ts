import { lstat, readlink, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { failure } from '../errors.ts';
import { typedShell } from '../typed.ts';
import { leashed } from './leash.ts';
import type { Argv, ResourceLimits, RunOptions, Sandbox } from './program.ts';
import { ENVIRONMENT, findProgram } from './programs.ts';
import { requireTools, TOOLS } from './tools.ts';

/**
 * What of /etc a program sees. Tried with gcc, make, binutils, kmod, xz, openssl, tar and dpkg-deb of Debian: without the
 * alternatives there is no cc and no awk, and without the linker's cache no library outside the usual folders.
 */
const ETC = [
  // The dynamic linker; /usr/bin/cc and the like, which Debian links through here.
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/alternatives',
  // The names of users and groups.
  '/etc/passwd',
  '/etc/group',
  '/etc/nsswitch.conf',
  // openssl: Debian's settings, and Red Hat's.
  '/etc/ssl/openssl.cnf',
  '/etc/pki/tls/openssl.cnf',
  '/etc/crypto-policies',
] as const;

/** And what it needs besides to reach a server by its name and to trust it. */
const ETC_NETWORK = [
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/host.conf',
  '/etc/gai.conf',
  '/etc/services',
  '/etc/protocols',
  '/etc/ssl/certs',
  '/etc/ca-certificates',
  '/etc/pki/ca-trust/extracted',
  '/etc/pki/tls/certs',
] as const;

/** On Debian since 12, Red Hat since 7 links into /usr; on older ones real folders. */
const BESIDE_USR = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'] as const;

/** `--unshare-user`, which only others than root need: as root it would leave the program root outside. */
export const NAMESPACES = {
  root: ['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
  other: ['--unshare-all'],
} as const;

/** /proc shows only what is in the sandbox; root could change this machine's settings in it, even without a capability. */
export const OWN_PROC_AND_DEV = [
  ...['--proc', '/proc', '--remount-ro', '/proc'],
  ...['--dev', '/dev', '--remount-ro', '/dev'],
] as const;

/** What root's setpriv needs to give up the rest, and to become another user; it keeps none of them. */
const TO_GIVE_UP = ['CAP_SETPCAP'] as const;
/** Not CAP_DAC_READ_SEARCH, with which open_by_handle_at(2) opens any file of the same file system. */
const REACHES_ALL = 'CAP_DAC_OVERRIDE';
const TO_BECOME_ANOTHER = ['CAP_SETUID', 'CAP_SETGID'] as const;

/** The programs that a sandbox consists of, by their absolute paths: nothing in it looks them up. */
export interface Parts {
  readonly bwrap: string;
  readonly setpriv: string;
  readonly prlimit: string;
  readonly sh: string;
  readonly isRoot: boolean;
}

/**
 * The argument vector that runs a program of this machine in a sandbox: bubblewrap, which this process holds on a leash,
 * so that the kernel kills it and all that is in it when this process dies, however that ends.
 *
 * The program sees this machine's programs and libraries, what of /etc those need, a /proc, /dev and /tmp of its own, and
 * what `sandbox` lists; nothing else of the file system, no other process, and no network unless asked for. It has no
 * capability and gains none. Bubblewrap mounts everything nodev and nosuid.
 *
 * Throws E_TOOLS_MISSING without bubblewrap, E_SANDBOX where it may not make namespaces.
 */
export async function sandboxed(
  argv: Argv,
  { sandbox, user, cwd = '/' }: Pick<RunOptions, 'user' | 'cwd'> & { readonly sandbox: Sandbox },
): Promise<Argv> {
  const parts = await requireParts();
  const wrapped: Argv = [
    parts.bwrap,
    ...outer(parts.isRoot, sandbox, [
      ...(user === undefined ? [] : TO_BECOME_ANOTHER),
      ...(sandbox.reachesAll === true ? [REACHES_ALL] : []),
    ]),
    ...(await machineBinds(sandbox.network === true)),
    ...mounts(sandbox),
    ...['--chdir', '/', '--'],
    ...inner(parts, sandbox, user),
    ...(cwd === '/' ? [] : [parts.sh, '-c', ENTER, parts.sh, cwd]),
    ...argv,
  ];
  return leashed('signal', wrapped);
}

function outer(isRoot: boolean, { network }: Sandbox, capabilities: readonly string[]): readonly string[] {
  return [
    ...(isRoot ? NAMESPACES.root : NAMESPACES.other),
    ...(network === true ? (isRoot ? [] : ['--share-net']) : isRoot ? ['--unshare-net'] : []),
    ...['--die-with-parent', '--cap-drop', 'ALL'],
    ...(isRoot ? [...TO_GIVE_UP, ...capabilities] : []).flatMap((name) => ['--cap-add', name]),
  ];
}

/**
 * What the caller shows comes last, so that it may lie below /usr or /tmp; what is shown within another comes after that.
 * Bubblewrap would make the folders above a place for root alone.
 */
function mounts(sandbox: Sandbox): readonly string[] {
  return [...OWN_PROC_AND_DEV, ...['--tmpfs', '/tmp'], ...listedBinds(sandbox, ''), ...['--remount-ro', '/']];
}

/** What the sandbox lists, below `root` of it. */
export function listedBinds(
  { readOnly, writable }: Pick<Sandbox, 'readOnly' | 'writable'>,
  root: string,
): readonly string[] {
  return [
    ...readOnly.map(({ from, to }) => ({ option: '--ro-bind', from, to: `${root}${to}` })),
    ...writable.map(({ from, to }) => ({ option: '--bind', from, to: `${root}${to}` })),
  ]
    .sort((one, other) => one.to.length - other.to.length)
    .flatMap(({ option, from, to }) => [...foldersAbove(to), option, from, to]);
}

function foldersAbove(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === '/' ? [] : [...foldersAbove(parent), '--dir', parent];
}

/**
 * What runs in the sandbox before the program, each in the place of the one before. Bubblewrap makes /tmp root's with mode
 * 755 (--perms came with 0.5; Red Hat 8 has 0.4). setpriv ends with 127 and 126, as shells do, where there is no such program.
 */
function inner(
  { isRoot, ...parts }: Parts,
  { limits = {}, reachesAll = false }: Sandbox,
  user: RunOptions['user'],
): readonly string[] {
  const open = user === undefined ? [] : [parts.sh, '-c', 'chmod 1777 /tmp && exec "$@"', parts.sh];
  const ids = user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  const kept = reachesAll ? ',+dac_override' : '';
  const none = isRoot ? [`--bounding-set=-all${kept}`, '--inh-caps=-all', '--ambient-caps=-all'] : [];
  return [
    ...open,
    ...[parts.prlimit, '--core=0', ...limitWords(limits), '--'],
    ...[parts.setpriv, ...ids, ...none, '--no-new-privs', '--'],
  ];
}

/** Options of prlimit. */
export function limitWords({ memoryBytes, fileBytes, processes }: ResourceLimits): readonly string[] {
  const word = (name: string, value: number | undefined) =>
    value === undefined ? [] : [`--${name}=${value}`];
  return [...word('as', memoryBytes), ...word('fsize', fileBytes), ...word('nproc', processes)];
}

/** Bubblewrap, which has no capability by then, could not enter a folder that is the user's alone. */
export const ENTER = 'cd "$1" && shift && exec "$@"';

/** Looked at each time: that takes less than a millisecond, and a library may be installed while mptfix runs. */
export async function machineBinds(network: boolean): Promise<readonly string[]> {
  const words = ['--ro-bind', '/usr', '/usr', '--dir', '/etc'];
  for (const path of BESIDE_USR) {
    const status = await lstat(path).catch(() => undefined);
    if (status?.isSymbolicLink() === true) words.push('--symlink', await readlink(path), path);
    else if (status?.isDirectory() === true) words.push('--ro-bind', path, path);
  }
  for (const to of network ? [...ETC, ...ETC_NETWORK] : ETC) {
    // resolv.conf is often a link into /run.
    const from = await realpath(to).catch(() => undefined);
    if (from !== undefined) words.push(...foldersAbove(to), '--ro-bind', from, to);
  }
  return words;
}

let parts: Promise<Parts> | undefined;

/** Tried once: what a namespace needs does not change while mptfix runs. */
export async function requireParts(): Promise<Parts> {
  parts ??= findParts();
  return parts.catch((error: unknown) => {
    parts = undefined;
    throw error;
  });
}

async function findParts(): Promise<Parts> {
  await requireTools({ findProgram }, [TOOLS.bubblewrap, TOOLS.setpriv, TOOLS.prlimit]);
  const [bwrap, setpriv, prlimit, sh] = await Promise.all(
    ['bwrap', 'setpriv', 'prlimit', 'sh'].map(async (name) => (await findProgram(name)) ?? name),
  );
  const found = { bwrap, setpriv, prlimit, sh, isRoot: process.geteuid?.() === 0 } as Parts;
  await requireOwnProc();
  await requireNamespaces(found);
  return found;
}

/**
 * Bubblewrap looks up its child in /proc by number. Where /proc is of another PID namespace, and has no process of that
 * number, it dies and leaves a child that waits for ever.
 */
async function requireOwnProc(): Promise<void> {
  if ((await readlink('/proc/self')) === String(process.pid)) return;
  throw failure(
    'E_SANDBOX',
    'bubblewrap cannot make a sandbox here: /proc shows the processes of another PID namespace',
    `start it by ${typedShell(['unshare', '--mount-proc', '--'])} before the rest of the command`,
  );
}

const NOTHING: Sandbox = { readOnly: [], writable: [] };

async function requireNamespaces(found: Parts): Promise<void> {
  const { isRoot } = found;
  const binds = [...(await machineBinds(false)), ...mounts(NOTHING)];
  const words = [
    ...outer(isRoot, NOTHING, []),
    ...binds,
    '--chdir',
    '/',
    '--',
    ...inner(found, NOTHING, undefined),
  ];
  const { exitCode, stderr } = await execa(found.bwrap, [...words, 'true'], {
    env: ENVIRONMENT,
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    cwd: '/',
  });
  if (exitCode === 0) return;
  throw failure(
    'E_SANDBOX',
    `bubblewrap cannot make a sandbox here: ${stderr.split('\n')[0] || `it ended with status ${exitCode}`}`,
    isRoot
      ? 'run mptfix where root may make namespaces and mounts (in a container: with CAP_SYS_ADMIN)'
      : 'run mptfix with sudo, or allow user namespaces (sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces)',
  );
}
