import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink } from 'node:fs/promises';
import { asI386 } from './bits.ts';
import { leashed } from './leash.ts';
import type { Argv, ProgramTree, RunOptions, Sandbox } from './program.ts';
import { findProgram } from './programs.ts';
import {
  ENTER,
  limitWords,
  listedBinds,
  machineBinds,
  NAMESPACES,
  OWN_PROC_AND_DEV,
  requireParts,
} from './sandbox.ts';

/**
 * What of a tree holds programs, and what these need: nobody's home, no state and no log. /emul is where Debian before 7
 * kept 32-bit libraries on x86-64.
 */
const SHOWN = ['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'etc', 'opt', 'emul'] as const;

/** Where root's sandbox has the tree, until chroot(1) makes it the root: beside this machine's programs, which end there. */
const TREE = '/tree';

/** Linux's names for what open(2) takes; Node has none for the first. Such a handle opens nothing: no device, no FIFO. */
const ENTRY = 0o10000000 | constants.O_NOFOLLOW;

interface TreeRun extends Pick<RunOptions, 'user' | 'cwd'> {
  readonly sandbox: Sandbox;
  readonly programs: ProgramTree;
}

/**
 * Runs a program of a tree: bubblewrap shows what of the tree holds programs, read-only, a /proc, /dev and /tmp of its own,
 * and what the sandbox lists. No network, no other process, nothing of this machine, no capability and none to be gained.
 *
 * As root: a tree of 2003 has no program that gives up root (setpriv, chroot --userspec), so this machine's do, and enter
 * it by chroot(2). Nothing leads out of that for another user than root without a capability: no handle is inherited,
 * what runs outside is root's, and the kernel makes no user namespace in a chroot. As another user bubblewrap itself
 * changes the root.
 */
export async function withProgramTree<T>(
  argv: Argv,
  { sandbox, programs, user, cwd = '/' }: TreeRun,
  run: (wrapped: Argv) => Promise<T>,
): Promise<T> {
  const parts = await requireParts();
  if (parts.isRoot && user === undefined) throw new Error(`${argv[0]} of a tree would run as root`);
  const handles: FileHandle[] = [];
  try {
    const words = parts.isRoot ? await byHandle(programs.root, handles) : await byName(programs.root);
    const setarch = programs.is32Bit ? await asI386() : [];
    const limits = [parts.prlimit, '--core=0', ...limitWords(sandbox.limits ?? {}), '--'];
    // The tree's own shell: by its name, which every Unix gives it.
    const program = [...(cwd === '/' ? [] : ['/bin/sh', '-c', ENTER, 'sh', cwd]), ...argv];
    const common = ['--die-with-parent', '--cap-drop', 'ALL'];
    if (user === undefined) {
      const bwrap: Argv = [
        parts.bwrap,
        ...NAMESPACES.other,
        ...common,
        ...[...words, ...OWN_PROC_AND_DEV, '--tmpfs', '/tmp', ...listedBinds(sandbox, '')],
        ...['--remount-ro', '/', '--chdir', '/', '--', ...program],
      ];
      return await run(leashed('signal', [...setarch, ...limits, ...bwrap] as unknown as Argv));
    }
    const chroot = (await findProgram('chroot')) ?? 'chroot';
    const kept = [...CAPABILITIES, 'CAP_SETPCAP'].flatMap((name) => ['--cap-add', name]);
    const wrapped: Argv = [
      parts.bwrap,
      ...NAMESPACES.root,
      ...['--unshare-net', ...common, ...kept],
      ...(await machineBinds(false)),
      ...[...OWN_PROC_AND_DEV, '--dir', TREE, ...words],
      ...['--proc', `${TREE}/proc`, '--remount-ro', `${TREE}/proc`],
      ...['--dev', `${TREE}/dev`, '--remount-ro', `${TREE}/dev`],
      ...['--tmpfs', `${TREE}/tmp`, ...listedBinds(sandbox, TREE)],
      ...['--remount-ro', '/', '--chdir', '/', '--'],
      ...[parts.sh, '-c', `chmod 1777 ${TREE}/tmp && exec "$@"`, parts.sh],
      ...limits,
      ...[parts.setpriv, '--no-new-privs', `--bounding-set=-all${SETPRIV_KEEPS}`],
      ...['--inh-caps=-all', '--ambient-caps=-all', '--'],
      ...setarch,
      ...[chroot, `--userspec=+${user.uid}:+${user.gid}`, '--groups=', TREE],
      ...program,
    ];
    return await run(leashed('signal', wrapped));
  } finally {
    await Promise.all(handles.map((handle) => handle.close()));
  }
}

/** What chroot(1) needs to enter the tree and to become the user; it keeps none of them. */
const CAPABILITIES = ['CAP_SYS_CHROOT', 'CAP_SETUID', 'CAP_SETGID'] as const;
const SETPRIV_KEEPS = CAPABILITIES.map((name) => `,+${name.slice('CAP_'.length).toLowerCase()}`).join('');

/** By handles: whoever swaps an entry for a link meanwhile changes nothing. A link of the tree is made anew with its text. */
async function byHandle(root: string, handles: FileHandle[]): Promise<readonly string[]> {
  const self = `/proc/${await readlink('/proc/self')}/fd`;
  const words: string[] = [];
  const tree = await open(root, ENTRY | constants.O_DIRECTORY);
  handles.push(tree);
  for (const name of SHOWN) {
    const path = `/proc/self/fd/${tree.fd}/${name}`;
    const entry = await open(path, ENTRY).catch(() => undefined);
    if (entry === undefined) continue;
    handles.push(entry);
    const status = await entry.stat();
    if (status.isSymbolicLink()) words.push('--symlink', await readlink(path), `${TREE}/${name}`);
    else if (status.isDirectory()) words.push('--ro-bind', `${self}/${entry.fd}`, `${TREE}/${name}`);
  }
  return words;
}

/** The kernel shows no handles to bubblewrap in a user namespace; and who is not root gains nothing by a name. */
async function byName(root: string): Promise<readonly string[]> {
  const words: string[] = [];
  for (const name of SHOWN) {
    const path = `${root}/${name}`;
    const status = await lstat(path).catch(() => undefined);
    if (status?.isSymbolicLink() === true) words.push('--symlink', await readlink(path), `/${name}`);
    else if (status?.isDirectory() === true) words.push('--ro-bind', path, `/${name}`);
  }
  return words;
}
