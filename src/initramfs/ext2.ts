import { constants } from 'node:fs';
import { type CpioVisitor, DamagedArchive } from './cpio.ts';

/*
 * The initial ramdisks of kernels before cpio archives are ext2 file systems: Red Hat Enterprise Linux 3 and SUSE make them on
 * a loop device. Source of the layout: Documentation/filesystems/ext2.rst and fs/ext2/ext2.h of the kernel.
 */

const SUPER_AT = 1024;
const MAGIC = 0xef53;
const ROOT_INODE = 2;
const DESCRIPTOR_BYTES = 32;
/** Of revision 0, which has neither features nor a size of its own. */
const OLD_INODE_BYTES = 128;
/** Entries of a folder tell what they are; none of the other features is in an image that a kernel of that age mounts. */
const FILETYPE = 0x2;
/** The longest text of a link that is in the inode itself. */
const FAST_LINK = 60;
/** Folders in each other: an image has lib/modules/RELEASE/kernel/drivers/message/fusion. */
const MAX_DEPTH = 32;
const MAX_NAME = 255;
/** PATH_MAX of Linux. */
const MAX_TEXT = 4096;

const { S_IFMT, S_IFREG, S_IFLNK, S_IFDIR } = constants;

interface FileSystem {
  readonly bytes: Buffer;
  readonly blockSize: number;
  readonly inodes: number;
  readonly inodesPerGroup: number;
  readonly inodeSize: number;
  /** Where the group descriptors begin, in bytes. */
  readonly descriptors: number;
  readonly hasTypes: boolean;
}

interface Inode {
  readonly number: number;
  readonly mode: number;
  readonly links: number;
  readonly size: number;
  /** 60 bytes: the numbers of 12 blocks and of three trees of blocks, or a link's text. */
  readonly blocks: Buffer;
  /** Of 512 bytes, as the file system counts them; 0 for what is in the inode itself. */
  readonly sectors: number;
}

/**
 * Reads every entry of an ext2 image, and the content of those that the visitor wants. Pure; time and memory grow as the image
 * does. Throws DamagedArchive for what no image has: blocks outside it, folders in a circle, features of a later kernel.
 */
export function readExt2(bytes: Buffer, visitor: CpioVisitor): void {
  const system = openExt2(bytes);
  const seen = new Set<number>();
  /** All folders together can be no larger than the image. */
  let left = bytes.length;

  const visit = (number: number, path: string, depth: number): void => {
    const inode = inodeOf(system, number);
    const type = inode.mode & S_IFMT;
    const isText = type === S_IFREG || type === S_IFLNK;
    if (type === S_IFLNK && inode.size > MAX_TEXT)
      throw new DamagedArchive(`a symbolic link of ${inode.size} bytes`);
    if (path !== '') {
      const header = {
        format: 'ext2' as const,
        name: path,
        mode: inode.mode,
        links: inode.links,
        inode: String(number),
        size: isText ? inode.size : 0,
      };
      const content = visitor.entry(header);
      if (content !== undefined && isText) for (const part of contentOf(system, inode)) content.part(part);
      content?.end();
    }
    if (type !== S_IFDIR) return;
    if (seen.has(number)) throw new DamagedArchive(`a folder in two places: ${JSON.stringify(path)}`);
    seen.add(number);
    if (depth === MAX_DEPTH) throw new DamagedArchive(`more than ${MAX_DEPTH} folders in each other`);
    left -= inode.size;
    if (left < 0) throw new DamagedArchive('folders that are larger than the image');
    for (const entry of entriesOf(system, inode))
      visit(entry.inode, path === '' ? entry.name : `${path}/${entry.name}`, depth + 1);
  };
  const root = inodeOf(system, ROOT_INODE);
  if ((root.mode & S_IFMT) !== S_IFDIR) throw new DamagedArchive('a file system without a root folder');
  visit(ROOT_INODE, '', 0);
  visitor.trailer();
}

function openExt2(bytes: Buffer): FileSystem {
  const field = (at: number): number => numberAt(bytes, SUPER_AT + at);
  if (halfAt(bytes, SUPER_AT + 56) !== MAGIC) throw new DamagedArchive('no ext2 superblock');
  const shift = field(24);
  if (shift > 6) throw new DamagedArchive(`blocks of 2^${10 + shift} bytes`);
  const blockSize = 1024 << shift;
  const isOld = field(76) === 0;
  const features = isOld ? 0 : field(96);
  if ((features & ~FILETYPE) !== 0)
    throw new DamagedArchive(`features that ext2 does not have (0x${(features & ~FILETYPE).toString(16)})`);
  const inodeSize = isOld ? OLD_INODE_BYTES : halfAt(bytes, SUPER_AT + 88);
  const inodesPerGroup = field(40);
  if (inodesPerGroup === 0 || inodeSize < OLD_INODE_BYTES || inodeSize > blockSize)
    throw new DamagedArchive('a superblock with impossible numbers');
  // They follow the superblock, which is in block 1 of 1024 bytes, or else within block 0.
  const descriptors = (field(20) + 1) * blockSize;
  return {
    bytes,
    blockSize,
    inodes: field(0),
    inodesPerGroup,
    inodeSize,
    descriptors,
    hasTypes: (features & FILETYPE) !== 0,
  };
}

function inodeOf(system: FileSystem, number: number): Inode {
  const { bytes, blockSize, inodes, inodesPerGroup, inodeSize, descriptors } = system;
  if (number === 0 || number > inodes) throw new DamagedArchive(`inode ${number} of ${inodes}`);
  const group = Math.floor((number - 1) / inodesPerGroup);
  const table = numberAt(bytes, descriptors + group * DESCRIPTOR_BYTES + 8);
  const at = table * blockSize + ((number - 1) % inodesPerGroup) * inodeSize;
  const mode = halfAt(bytes, at);
  // A file may have more than 4 GB, and no image has.
  if ((mode & S_IFMT) === S_IFREG && numberAt(bytes, at + 108) !== 0)
    throw new DamagedArchive(`inode ${number} of more than 4 GB`);
  return {
    number,
    mode,
    size: numberAt(bytes, at + 4),
    links: halfAt(bytes, at + 26),
    sectors: numberAt(bytes, at + 28),
    blocks: rangeAt(bytes, at + 40, FAST_LINK),
  };
}

/** The content, a block at a time; a block that the file does not have is of zeros. */
function* contentOf(system: FileSystem, inode: Inode): Generator<Buffer> {
  const { bytes, blockSize } = system;
  const { mode, size, sectors, blocks } = inode;
  if ((mode & S_IFMT) === S_IFLNK && size < FAST_LINK && sectors === 0) {
    yield blocks.subarray(0, size);
    return;
  }
  // A sparse file may claim any size.
  if (size > bytes.length) throw new DamagedArchive(`a file that is larger than the image: ${size} bytes`);
  const hole = Buffer.alloc(blockSize);
  for (let index = 0; index * blockSize < size; index += 1) {
    const block = blockOf(system, blocks, index);
    const whole = block === 0 ? hole : rangeAt(bytes, block * blockSize, blockSize);
    yield whole.subarray(0, Math.min(blockSize, size - index * blockSize));
  }
}

const DIRECT = 12;
const TREES = 3;

/** The number of the file's block at an index; 0 where it has none. */
function blockOf(system: FileSystem, blocks: Buffer, index: number): number {
  if (index < DIRECT) return blocks.readUInt32LE(4 * index);
  const each = system.blockSize / 4;
  let rest = index - DIRECT;
  for (let height = 1; height <= TREES; height += 1) {
    const reach = each ** height;
    if (rest >= reach) {
      rest -= reach;
      continue;
    }
    let block = blocks.readUInt32LE(4 * (DIRECT + height - 1));
    for (let level = height - 1; level >= 0 && block !== 0; level -= 1) {
      const slot = Math.floor(rest / each ** level) % each;
      block = numberAt(system.bytes, block * system.blockSize + 4 * slot);
    }
    return block;
  }
  throw new DamagedArchive('a file of more blocks than ext2 has');
}

function* entriesOf(
  system: FileSystem,
  folder: Inode,
): Generator<{ readonly name: string; readonly inode: number }> {
  for (const block of contentOf(system, folder)) {
    for (let at = 0; at < block.length; ) {
      if (at + 8 > block.length) throw new DamagedArchive('a folder whose last entry is cut');
      const inode = block.readUInt32LE(at);
      const length = block.readUInt16LE(at + 4);
      const nameLength = system.hasTypes ? (block[at + 6] ?? 0) : block.readUInt16LE(at + 6);
      if (length < 8 || length % 4 !== 0 || at + length > block.length || 8 + nameLength > length)
        throw new DamagedArchive('a folder with an entry of an impossible length');
      const name = block.toString('utf8', at + 8, at + 8 + nameLength);
      at += length;
      if (inode === 0 || name === '.' || name === '..') continue;
      if (nameLength === 0 || nameLength > MAX_NAME || name.includes('/') || name.includes('\0'))
        throw new DamagedArchive(`a folder with an impossible name: ${JSON.stringify(name)}`);
      yield { name, inode };
    }
  }
}

function rangeAt(bytes: Buffer, at: number, length: number): Buffer {
  if (at + length > bytes.length) throw new DamagedArchive(`something beyond its end, at ${at}`);
  return bytes.subarray(at, at + length);
}

function numberAt(bytes: Buffer, at: number): number {
  return rangeAt(bytes, at, 4).readUInt32LE();
}

function halfAt(bytes: Buffer, at: number): number {
  return rangeAt(bytes, at, 2).readUInt16LE();
}
