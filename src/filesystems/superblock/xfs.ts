import { type ChecksumState, crc32c, textField, uuidField } from './fields.ts';

/** The part of an XFS superblock that shows how the file system is; that the log is dirty does not show in it. */
export interface XfsSuperblock {
  readonly kind: 'xfs';
  readonly uuid: string;
  readonly label: string;
  /** xfs_repair or an administrator has marked it: it is not mounted before xfs_repair has run. */
  readonly needsRepair: boolean;
  readonly checksum: ChecksumState;
}

const MAGIC = 'XFSB';
const INCOMPAT_NEEDSREPAIR = 0x10;
const CRC_OFFSET = 224;
const SMALLEST_SECTOR = 512;
const LARGEST_SECTOR = 32768;

/**
 * Reads the superblock out of a device's first bytes. Undefined where there is none. Offsets: `struct xfs_dsb` of
 * fs/xfs/libxfs/xfs_format.h; all but the checksum is big-endian.
 */
export function xfsSuperblock(device: Buffer): XfsSuperblock | undefined {
  if (device.length < SMALLEST_SECTOR || device.toString('latin1', 0, 4) !== MAGIC) return undefined;
  const version5 = (device.readUInt16BE(100) & 0xf) === 5;
  return {
    kind: 'xfs',
    uuid: uuidField(device, 32),
    label: textField(device, 108, 12),
    needsRepair: version5 && (device.readUInt32BE(216) & INCOMPAT_NEEDSREPAIR) !== 0,
    checksum: version5 ? checksumOf(device) : null,
  };
}

function checksumOf(device: Buffer): ChecksumState {
  const sector = device.readUInt16BE(102);
  if (sector < SMALLEST_SECTOR || sector > LARGEST_SECTOR || sector > device.length) return 'bad';
  const bytes = Buffer.from(device.subarray(0, sector));
  const stored = bytes.readUInt32LE(CRC_OFFSET);
  bytes.writeUInt32LE(0, CRC_OFFSET);
  return ~crc32c(bytes) >>> 0 === stored ? 'good' : 'bad';
}
