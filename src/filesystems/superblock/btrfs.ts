import { type ChecksumState, crc32c, textField, uuidField } from './fields.ts';

/** The part of a btrfs superblock that shows how the file system is; its error counters are in sysfs and a tree. */
export interface BtrfsSuperblock {
  readonly kind: 'btrfs';
  readonly uuid: string;
  readonly label: string;
  /** The kernel has written down that it met an error. */
  readonly errorFlag: boolean;
  readonly checksum: ChecksumState;
}

/** Where it lies on the device, and its size in bytes. */
export const BTRFS_OFFSET = 0x10000;
export const BTRFS_LENGTH = 4096;

const MAGIC = '_BHRfS_M';
const FLAG_ERROR = 0x4n;
const TYPE_CRC32C = 0;

/**
 * Reads the superblock out of a device's first bytes. Undefined where there is none. Offsets: `struct
 * btrfs_super_block` of include/uapi/linux/btrfs_tree.h.
 */
export function btrfsSuperblock(device: Buffer): BtrfsSuperblock | undefined {
  const bytes = device.subarray(BTRFS_OFFSET, BTRFS_OFFSET + BTRFS_LENGTH);
  if (bytes.length < BTRFS_LENGTH || bytes.toString('latin1', 0x40, 0x48) !== MAGIC) return undefined;
  return {
    kind: 'btrfs',
    uuid: uuidField(bytes, 0x20),
    label: textField(bytes, 0x12b, 256),
    errorFlag: (bytes.readBigUInt64LE(0x38) & FLAG_ERROR) !== 0n,
    checksum: checksumOf(bytes),
  };
}

function checksumOf(bytes: Buffer): ChecksumState {
  if (bytes.readUInt16LE(0xc4) !== TYPE_CRC32C) return null;
  return ~crc32c(bytes.subarray(0x20)) >>> 0 === bytes.readUInt32LE(0) ? 'good' : 'bad';
}
