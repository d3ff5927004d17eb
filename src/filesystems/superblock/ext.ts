import { type ChecksumState, crc32c, textField, uuidField } from './fields.ts';

/** What the kernel does at an error of the file system; `continue` where the superblock has a value of its own. */
export type ErrorsPolicy = 'continue' | 'remount-ro' | 'panic';

/** The part of an ext2, ext3 or ext4 superblock that shows how the file system is. */
export interface ExtSuperblock {
  readonly kind: 'ext';
  readonly uuid: string;
  readonly label: string;
  readonly hasJournal: boolean;
  /** The journal holds what is not in its place yet: mounted read-write, or not unmounted cleanly. */
  readonly needsRecovery: boolean;
  /** s_state says that it was unmounted cleanly, or has a journal. */
  readonly valid: boolean;
  /** s_state says that the kernel has met an error. e2fsck takes it away. */
  readonly errorFlag: boolean;
  /** Errors since the last e2fsck; 0 also where the kernel was too old to count (before 2.6.36). */
  readonly errorCount: number;
  readonly firstError: ExtError | null;
  readonly lastError: ExtError | null;
  /** Default policy, where the mount options say nothing else. */
  readonly errorsPolicy: ErrorsPolicy;
  readonly checksum: ChecksumState;
}

export interface ExtError {
  /** ISO 8601, UTC. */
  readonly time: string;
  /** The kernel's function that met it. */
  readonly function: string;
  readonly line: number;
}

/** Where it lies on the device, and its size in bytes. */
const EXT_OFFSET = 1024;
const EXT_LENGTH = 1024;

const MAGIC = 0xef53;
const STATE_VALID = 1;
const STATE_ERROR = 2;
const COMPAT_HAS_JOURNAL = 0x4;
const INCOMPAT_RECOVER = 0x4;
const RO_COMPAT_METADATA_CSUM = 0x400;
const CHECKSUM_OFFSET = 0x3fc;

/**
 * As the kernel reads s_errors: what is neither 1 nor 3 is remount-ro. Source: ext4_fill_super() of fs/ext4/super.c.
 */
const POLICIES: Readonly<Record<number, ErrorsPolicy>> = { 1: 'continue', 2: 'remount-ro', 3: 'panic' };

/**
 * Reads the superblock out of a device's first bytes. Undefined where there is none. Offsets: `struct
 * ext4_super_block` of fs/ext4/ext4.h, the same in ext2 and ext3 as far as they go.
 */
export function extSuperblock(device: Buffer): ExtSuperblock | undefined {
  const bytes = device.subarray(EXT_OFFSET, EXT_OFFSET + EXT_LENGTH);
  if (bytes.length < EXT_LENGTH || bytes.readUInt16LE(0x38) !== MAGIC) return undefined;
  const state = bytes.readUInt16LE(0x3a);
  const errorCount = bytes.readUInt32LE(0x194);
  return {
    kind: 'ext',
    uuid: uuidField(bytes, 0x68),
    label: textField(bytes, 0x78, 16),
    hasJournal: (bytes.readUInt32LE(0x5c) & COMPAT_HAS_JOURNAL) !== 0,
    needsRecovery: (bytes.readUInt32LE(0x60) & INCOMPAT_RECOVER) !== 0,
    valid: (state & STATE_VALID) !== 0,
    errorFlag: (state & STATE_ERROR) !== 0,
    errorCount,
    firstError: extError(bytes, { time: 0x198, timeHigh: 0x278, name: 0x1a8, line: 0x1c8 }),
    lastError: extError(bytes, { time: 0x1cc, timeHigh: 0x279, name: 0x1e0, line: 0x1d4 }),
    errorsPolicy: POLICIES[bytes.readUInt16LE(0x3c)] ?? 'remount-ro',
    checksum: checksumOf(bytes),
  };
}

interface ErrorFields {
  readonly time: number;
  /** Bits 32 to 39 of the time; zero before Linux 4.18. */
  readonly timeHigh: number;
  readonly name: number;
  readonly line: number;
}

function extError(bytes: Buffer, at: ErrorFields): ExtError | null {
  const seconds = bytes.readUInt32LE(at.time) + bytes.readUInt8(at.timeHigh) * 2 ** 32;
  if (seconds === 0) return null;
  return {
    time: new Date(seconds * 1000).toISOString(),
    function: textField(bytes, at.name, 32),
    line: bytes.readUInt32LE(at.line),
  };
}

function checksumOf(bytes: Buffer): ChecksumState {
  if ((bytes.readUInt32LE(0x64) & RO_COMPAT_METADATA_CSUM) === 0) return null;
  const stored = bytes.readUInt32LE(CHECKSUM_OFFSET);
  return crc32c(bytes.subarray(0, CHECKSUM_OFFSET)) === stored ? 'good' : 'bad';
}
