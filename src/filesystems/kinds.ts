/** What becomes of a file system's data, by the kind of its type. */
export type FileSystemKind =
  /** Writable, on a disk of the guest. */
  | 'disk'
  /** Cannot be written by its nature. */
  | 'media'
  /** Lies over other file systems of the guest, which are watched themselves. */
  | 'union'
  /** Of another machine. */
  | 'network'
  /** In memory or made up by the kernel. */
  | 'memory';

/** By the names of the kernel's file system types; of FUSE by what follows `fuse.`. */
const KINDS: Readonly<Record<Exclude<FileSystemKind, 'memory'>, readonly string[]>> = {
  disk: [
    ...[
      'ext2',
      'ext3',
      'ext4',
      'ext4dev',
      'xfs',
      'btrfs',
      'reiserfs',
      'reiser4',
      'jfs',
      'f2fs',
      'nilfs2',
      'bcachefs',
    ],
    ...['ocfs2', 'gfs', 'gfs2', 'vxfs', 'zfs', 'minix', 'ufs', 'sysv', 'hfs', 'hfsplus'],
    ...['vfat', 'msdos', 'umsdos', 'exfat', 'ntfs', 'ntfs3', 'fuseblk'],
    ...['jffs2', 'yaffs', 'yaffs2', 'ubifs'],
  ],
  media: [
    'iso9660',
    'squashfs',
    'squashfuse',
    'squashfuse_ll',
    'snapfuse',
    'erofs',
    'cramfs',
    'romfs',
    'udf',
    // What mounts a medium as soon as somebody looks: of SUSE 9 and of Mandrake 9.
    ...['subfs', 'supermount'],
  ],
  union: ['overlay', 'overlayfs', 'fuse-overlayfs', 'aufs', 'unionfs', 'mergerfs'],
  network: [
    'nfs',
    'nfs4',
    'cifs',
    'smbfs',
    'smb3',
    'ncpfs',
    'afs',
    'ceph',
    'glusterfs',
    'lustre',
    'sshfs',
    '9p',
    'vmhgfs',
    'vboxsf',
    'virtiofs',
  ],
};

const KIND_OF: ReadonlyMap<string, FileSystemKind> = new Map(
  Object.entries(KINDS).flatMap(([kind, types]) => types.map((type) => [type, kind as FileSystemKind])),
);

/** A drive for CDs and DVDs: whatever file system its medium has, the kernel mounts it read-only. */
const MEDIA_DRIVE = /^\/dev\/(?:sr\d|scd\d|pktcdvd|cdrom|cdrw|dvd)/;

/** The kind of a type; one that is not known counts as a disk's where its source is a device file. */
export function fileSystemKind(fsType: string, source: string): FileSystemKind {
  if (MEDIA_DRIVE.test(source)) return 'media';
  const known = KIND_OF.get(fsType.replace(/^fuse\./, ''));
  if (known !== undefined) return known;
  return source.startsWith('/dev/') ? 'disk' : 'memory';
}
