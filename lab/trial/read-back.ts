import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Target } from '../../src/machine/port.ts';
import { FILE_SYSTEM_FACTS } from './file-systems.ts';
import type { FileSystem, TrialRecord } from './record.ts';

/** What was found on a disk after the machine was off. */
export type ReadBack = Pick<TrialRecord, 'readBack' | 'differs' | 'fsck'>;

/**
 * Mounts a disk's image as the next boot would, which replays its journal, reads the files of the writes `numbers`, and
 * looks for damage. In a mount namespace of its own. Needs root, and a kernel that knows the file system.
 */
export async function readBack(
  machine: Target,
  folder: string,
  disk: { readonly image: string; readonly fileSystem: FileSystem; readonly mark: string },
  numbers: readonly number[],
): Promise<ReadBack> {
  const place = join(folder, 'mounted');
  const copies = join(folder, 'read');
  await mkdir(place);
  await mkdir(copies);
  const script = [
    'mount -t "$1" -o loop "$2" "$3" || exit 9',
    'for file in "$3"/file*; do cp "$file" "$4/"; done',
    // The kernel's own thread may hold it for a moment.
    'umount "$3" || { sleep 2; umount "$3"; } || exit 8',
  ].join('\n');
  const argv = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'] as const;
  const { status } = await machine.run([...argv, disk.fileSystem, disk.image, place, copies], {
    effect: 'write',
  });
  const isMounted = status !== 9;
  const differs: number[] = [];
  for (const number of isMounted ? numbers : []) {
    const found = await readFile(join(copies, `file${number}`)).catch(() => undefined);
    if (found === undefined || !found.equals(content(disk.mark, number))) differs.push(number);
  }
  const [program, ...options] = FILE_SYSTEM_FACTS[disk.fileSystem].check;
  const fsck = await machine.run([program, ...options, disk.image], { effect: 'read' });
  return {
    readBack: isMounted ? (differs.length === 0 ? 'same' : 'different') : 'unreadable',
    differs,
    fsck: { program, status: fsck.status ?? -1, clean: fsck.status === 0 },
  };
}

/** What the guest writes: `content` of guest.sh. */
export function content(mark: string, number: number): Buffer {
  const line = Buffer.from(`mptfix lab, ${mark}, write ${number}\n`);
  return Buffer.alloc(4096, line);
}
