import { toolPath } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { SUPERBLOCK_BYTES, type Superblock, steadySuperblock } from './superblock/parse.ts';

/** Of a tree the sandbox opens no device: what has a disk's name there may be any disk of this machine. */
type Disks = Pick<Target, 'run' | 'hostPath' | 'toolRoot'>;

/**
 * Whether a disk answers. `no-device`: there is none to ask. `denied`: only root may ask. `gone`: its node is
 * there, and no disk behind it. `not-asked`: the guest's dd cannot read past the kernel's cache.
 */
export interface StorageAnswer {
  readonly answer: 'yes' | 'no-device' | 'denied' | 'gone' | 'error' | 'hang' | 'not-asked';
  /** What dd said of an error, or how long it was waited for. */
  readonly detail?: string | undefined;
}

/** A disk that takes longer than this for one block is not one to work with. */
export const STORAGE_LIMIT_MS = 5000;

/** What dd's message says of the disk, in the words of libc's strerror(3). */
const ANSWERS: readonly { readonly words: RegExp; readonly answer: 'denied' | 'gone' | 'not-asked' }[] = [
  { words: /Permission denied|Operation not permitted/, answer: 'denied' },
  { words: /No such device|No such file|No medium found/, answer: 'gone' },
  // iflag= came with coreutils 5.3 and busybox 1.33; before, dd does not know the word, or has no such flag.
  { words: /iflag|invalid input flag/, answer: 'not-asked' },
];

/**
 * Asks the disk for one block, past the kernel's cache (O_DIRECT), in a child with a time limit: a path that is down
 * may hold a read for ever, and must not hold this process.
 *
 * A direct read first brings what the cache holds to the disk, and reports any earlier write of that kind that failed
 * (mm/filemap.c, filemap_check_errors(); once, it is forgotten then). So one error alone says nothing about now.
 */
export async function askStorage(target: Disks, device: string | undefined): Promise<StorageAnswer> {
  if (device === undefined) return { answer: 'no-device' };
  const first = await askOnce(target, device);
  return first.answer === 'error' ? askOnce(target, device) : first;
}

async function askOnce(target: Disks, device: string): Promise<StorageAnswer> {
  const { status, stderr } = await target.run(
    ['dd', `if=${await toolPath(target, device)}`, 'of=/dev/null', 'bs=4096', 'count=1', 'iflag=direct'],
    { effect: 'read', sees: 'guest', timeoutMs: STORAGE_LIMIT_MS },
  );
  if (status === 0) return { answer: 'yes' };
  if (status > 128) return { answer: 'hang', detail: `no answer within ${STORAGE_LIMIT_MS / 1000} s` };
  const message = stderr.split('\n')[0] ?? '';
  const known = ANSWERS.find(({ words }) => words.test(message));
  return known === undefined ? { answer: 'error', detail: message } : { answer: known.answer };
}

/**
 * The superblock as the kernel has it now: read through its cache, where an error flag is that the disk has not been
 * given yet. Undefined where it cannot be read or is of no known kind. Ask `askStorage` first.
 */
export async function readSuperblock(
  target: Disks,
  device: string,
  type?: string,
): Promise<Superblock | undefined> {
  return steadySuperblock(async () => {
    const { status, stdout } = await target.run(
      ['dd', `if=${await toolPath(target, device)}`, 'bs=4096', `count=${SUPERBLOCK_BYTES / 4096}`],
      { effect: 'read', sees: 'guest', timeoutMs: STORAGE_LIMIT_MS },
    );
    return status === 0 ? stdout : undefined;
  }, type);
}
