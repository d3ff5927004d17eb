import { constants, fstat, open, readlinkSync, type Stats } from 'node:fs';
import { promisify } from 'node:util';

// Descriptors are numbers here: a walk through a tree holds many for a moment. Whoever opens one closes it.

const openDescriptor = promisify(open);

/** What a descriptor stands for. */
export const statDescriptor = promisify<number, Stats>(fstat);

/** Not in Node's constants. Source: include/uapi/asm-generic/fcntl.h, which x86 uses. */
export const O_PATH = 0o10000000;

/**
 * The place itself, whatever is there: nothing is opened for reading, so a device or a FIFO notices nothing. With
 * O_NOFOLLOW a link itself; with O_DIRECTORY folders alone.
 */
export function openPlace(path: string, flags = 0): Promise<number> {
  return openDescriptor(path, O_PATH | flags);
}

/** The path by which this process reaches what a descriptor stands for, and names below it, as openat(2) does. */
export function handlePath(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

/** Folders alone, and no link that leads to one. */
export const FOLDER_ITSELF = constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * The path by which a program that this process starts reaches a descriptor of this process. The number of this process
 * is the one of the mounted /proc, which may be an older one than that of its namespace.
 */
export function sharedPath(descriptor: number): string {
  return `/proc/${readlinkSync('/proc/self')}/fd/${descriptor}`;
}
