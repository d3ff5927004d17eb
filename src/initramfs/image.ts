import { failure } from '../errors.ts';
import type { TargetReads } from '../machine/port.ts';
import type { CpioVisitor } from './cpio.ts';

export type Reads = Pick<TargetReads, 'hostPath' | 'stat' | 'readRange' | 'run'>;

export interface Limits {
  /** Bytes of the image's file, and of all that it unpacks to. */
  readonly packed: number;
  readonly unpacked: number;
}

/** An image that is being read. */
export interface Image {
  readonly target: Reads;
  readonly path: string;
  readonly size: number;
  readonly limits: Limits;
  readonly visitor: CpioVisitor;
  readonly signal: AbortSignal | undefined;
  /** Bytes so far, of all segments. */
  unpacked: number;
}

/** What is wrong with it, and where. */
export function unreadable(image: Image, offset: number, why: string, cause?: unknown): Error {
  return failure(
    'E_INITRAMFS',
    `${image.path} cannot be read as an initramfs, at offset ${offset}: ${why}`,
    'rebuild it with the distro’s own tool, or restore it from a backup',
    cause === undefined ? {} : { cause },
  );
}
