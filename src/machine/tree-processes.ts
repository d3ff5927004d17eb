import type { BigIntStats } from 'node:fs';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { failure } from '../errors.ts';
import { isCode } from './file-errors.ts';

interface Process {
  readonly pid: number;
  readonly command: string;
}

/** As many are named; a booted guest has hundreds. */
const MOST_NAMED = 5;

/**
 * Throws E_TREE_IN_USE where processes run in the tree: their root is the tree's, or a folder in it (a container, a chroot,
 * an image's own services). They could change what mptfix has just looked at. A shell that merely stands in the tree
 * does not count, nor do this process and what it started. Without root, processes of others cannot be seen.
 */
export async function refuseTreeInUse(root: string, name: string): Promise<void> {
  const found = await processesIn(root);
  if (found.length === 0) return;
  const named = found.slice(0, MOST_NAMED).map(({ pid, command }) => `${pid} (${command})`);
  const more = found.length > named.length ? ` and ${found.length - named.length} more` : '';
  throw failure(
    'E_TREE_IN_USE',
    `processes run in ${name}, so it is not changed: ${named.join(', ')}${more}`,
    'end them (stop the container or guest), or run mptfix in it, without --root',
  );
}

async function processesIn(root: string): Promise<readonly Process[]> {
  const tree = await stat(root, { bigint: true });
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const inside: Process[] = [];
  for (const pid of pids) {
    if (!(await hasRootIn(pid, root, tree)) || (await descendsFromThis(pid))) continue;
    inside.push({ pid, command: await commandOf(pid) });
  }
  return inside;
}

/**
 * By device and inode: a process in a mount namespace of its own has another path to the same folder. A root further down
 * is found by its path, which counts only if it leads to the same folder.
 */
async function hasRootIn(pid: number, root: string, tree: BigIntStats): Promise<boolean> {
  const own = `/proc/${pid}/root`;
  try {
    const status = await stat(own, { bigint: true });
    if (isSame(status, tree)) return true;
    const path = await readlink(own);
    return path.startsWith(`${root}/`) && isSame(status, await stat(path, { bigint: true }));
  } catch (error) {
    // It has ended, or is another user's.
    if (isCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return false;
    throw error;
  }
}

function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

/** What this process has started in the tree, such as the guest's own initramfs tool, is its own business. */
async function descendsFromThis(pid: number): Promise<boolean> {
  const self = Number(await readlink('/proc/self'));
  for (let current = pid; current > 1; current = await parentOf(current)) if (current === self) return true;
  return false;
}

/** 0 where it has ended. The command before it may hold anything. Source: proc_pid_stat(5). */
async function parentOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return Number(/^.*\) \S (?<parent>\d+)/s.exec(text)?.groups?.parent ?? 0);
}

async function commandOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return text.trim() || 'unknown';
}
