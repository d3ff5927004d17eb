import { failure } from '../errors.ts';
import { asI386, is32Bit } from './bits.ts';
import { INSIDE_WORK } from './folders.ts';
import { leashed } from './leash.ts';
import type { TargetReads } from './port.ts';
import type { Argv, Inside, RunOptions, RunResult } from './program.ts';
import { TOOL_PATH } from './programs.ts';
import { runPlainly } from './run.ts';
import { NAMESPACES, OWN_PROC_AND_DEV, requireParts } from './sandbox.ts';
import { treeBinds } from './tree-binds.ts';

type Guest = Pick<TargetReads, 'stat' | 'readRange'>;

/** The guest's own path of one of its programs; undefined where it has none of that name. */
export async function findInside(guest: Pick<Guest, 'stat'>, name: string): Promise<string | undefined> {
  const paths = name.includes('/') ? [name] : TOOL_PATH.split(':').map((folder) => `${folder}/${name}`);
  for (const path of paths) {
    const status = await guest.stat(path);
    if (status?.type === 'file' && (status.mode & 0o111) !== 0) return path;
  }
  return undefined;
}

/**
 * What a tool may do as root of the tree, and nothing else. The set was tried with the initramfs-tools and dracut of Debian
 * (test/debian/initramfs.test.ts); the reasons are from the tools' sources, also those of Red Hat and SUSE.
 * Not CAP_SYS_ADMIN (mounts), CAP_DAC_READ_SEARCH (open_by_handle_at(2) leaves any root), CAP_SYS_PTRACE, CAP_KILL.
 */
export const CAPABILITIES = [
  {
    name: 'CAP_DAC_OVERRIDE',
    why: 'files of the guest that its own daemons own, and that only they may read',
  },
  { name: 'CAP_CHOWN', why: 'cp -a and cpio keep the owners of what goes into the image' },
  { name: 'CAP_FOWNER', why: 'cp -a sets mode and times of files that it has given away' },
  { name: 'CAP_FSETID', why: 'the setuid bit of a mount or su in the image outlives the chown' },
  {
    name: 'CAP_MKNOD',
    why: 'dracut, and mkinitrd of Red Hat and SUSE, put /dev/console and /dev/null into it',
  },
  { name: 'CAP_SYS_CHROOT', why: 'ldconfig -r, with which dracut makes the image’s own linker cache' },
] as const;

/** What of /sys the tools look at: the disks that the machine boots from. Not the rest, as /sys/kernel/debug. */
const SYS = ['block', 'bus', 'class', 'dev', 'devices', 'module'] as const;

const PLACES = {
  always: new Set(['/proc', '/dev', '/sys', INSIDE_WORK]),
  empty: new Set(['/run', '/var/run', '/var/lock', '/var/log']),
} as const;

/**
 * Runs a program of the guest's tree at `root`, as `RunOptions.inside` says: by bubblewrap, which changes the root by
 * pivot_root(2), so that there is nothing outside to which a chroot(2) could lead back.
 */
export async function runInside(
  root: string,
  argv: Argv,
  { inside, ...options }: RunOptions & { readonly inside: Inside },
  guest: Guest,
): Promise<RunResult> {
  if (options.effect === 'read') throw new Error(`a command that reads would run ${argv[0]} of the tree`);
  if (process.geteuid?.() !== 0) {
    throw failure(
      'E_NOT_ROOT',
      `only root may run the guest’s ${argv[0]} in its tree`,
      'run the same command with sudo',
    );
  }
  const [program, ...args] = argv;
  const { bwrap } = await requireParts();
  const path = await findInside(guest, program);
  if (path === undefined) {
    throw failure(
      'E_TOOLS_MISSING',
      `the guest has no ${program}`,
      `install it in the guest, or give --root the folder that holds all of the guest`,
    );
  }
  const binds = await treeBinds(root, { ...PLACES, work: inside.work });
  try {
    const wrapped = [
      // Tools go by `uname -m`: Red Hat's mkinitrd looks into /lib64 where it says x86_64.
      ...((await is32Bit(guest)) ? await asI386() : []),
      bwrap,
      ...NAMESPACES.root,
      ...['--unshare-net', '--die-with-parent', '--cap-drop', 'ALL'],
      ...CAPABILITIES.flatMap(({ name }) => ['--cap-add', name]),
      ...binds.words,
      ...OWN_PROC_AND_DEV,
      ...SYS.flatMap((name) => ['--ro-bind-try', `/sys/${name}`, `/sys/${name}`]),
      ...['--remount-ro', '/', '--chdir', '/', '--', path],
      ...args,
    ] as unknown as Argv;
    const result = await runPlainly(leashed('signal', wrapped), { ...options, cwd: '/', dies: 'at once' });
    refuseWhatDidNotStart(path, result);
    return result;
  } finally {
    await binds.close();
  }
}

function refuseWhatDidNotStart(path: string, { status, stderr }: RunResult): void {
  const [first = ''] = stderr.split('\n', 1);
  if (status !== 1 || !first.startsWith('bwrap: execvp ')) return;
  if (first.endsWith('Exec format error')) {
    throw failure(
      'E_ARCH_UNSUPPORTED',
      `${path} of the guest is built for another processor than this machine’s`,
      'run mptfix on a machine of the guest’s architecture, or in the guest',
    );
  }
  throw failure(
    'E_TOOLS_MISSING',
    `${path} of the guest cannot be started: ${first.slice('bwrap: execvp '.length)}`,
    'its interpreter or loader is missing: give --root the folder that holds all of the guest',
  );
}
