import { dirname, isAbsolute, join, posix, relative } from 'node:path';
import type { TargetReads } from '../machine/port.ts';

/** A symbolic link as its own machine sees it. */
export interface Link {
  readonly path: string;
  /** What is written in it. */
  readonly text: string;
  /** The place that it names. */
  readonly leadsTo: string;
}

/** Every symbolic link below a folder, at any depth. What this user may not enter is left out. */
export async function linksBelow(
  origin: Pick<TargetReads, 'hostPath' | 'run'>,
  folder: string,
): Promise<readonly Link[]> {
  const argv = ['find', await origin.hostPath(folder), '-type', 'l', '-printf', '%P\\0%l\\0'] as const;
  const { status, stdout, stderr } = await origin.run(argv, { effect: 'read' });
  if (status > 1) throw new Error(`cannot look for links below ${folder}: ${stderr.trim()}`);
  const words = stdout.toString('utf8').split('\0');
  return Array.from({ length: words.length >> 1 }, (_, at) => {
    const path = join(folder, words[2 * at] ?? '');
    const text = words[2 * at + 1] ?? '';
    return { path, text, leadsTo: posix.resolve(dirname(path), text) };
  });
}

/** Whether a link read outside of its tree would lead elsewhere: it is absolute, or climbs above the tree's root. */
export function needsItsRoot({ path, text }: Link): boolean {
  return isAbsolute(text) || posix.join(relative('/', dirname(path)), text).startsWith('../');
}

export function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
