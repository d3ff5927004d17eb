import type { Argv } from '../../src/machine/program.ts';
import type { WantedModule } from '../machine/initramfs.ts';
import type { FileSystem } from './record.ts';

/** What a trial must know of a file system. */
export interface FileSystemFacts {
  readonly modules: readonly WantedModule[];
  /** Makes it in an image of `imageSize`; the image's path follows. */
  readonly make: Argv;
  /** As truncate(1) takes it; the image is sparse. */
  readonly imageSize: string;
  /** What the guest mounts it with: as the distros' installers of then did, where it knows the option. */
  readonly options: string;
  /** Looks for damage and changes nothing; the image's path follows. Status 0: there is none. */
  readonly check: Argv;
}

/** What any disk behind the adapter needs. Checksums are looked up by name at run time, so no index lists them. */
export const DISK: readonly WantedModule[] = [
  { anyOf: ['crc32c_generic', 'libcrc32c'], optional: true },
  { anyOf: ['crct10dif_generic'], optional: true },
  { anyOf: ['sd_mod'] },
  { anyOf: ['mptsas'] },
];

export const FILE_SYSTEM_FACTS: Readonly<Record<FileSystem, FileSystemFacts>> = {
  ext3: {
    // Since Linux 4.3 ext4's module mounts it (fs/ext4/super.c, ext3_fs_type).
    modules: [{ anyOf: ['ext3', 'ext4'] }],
    make: ['mkfs.ext3', '-q', '-F', '-I', '128'],
    imageSize: '64M',
    options: 'errors=remount-ro',
    check: ['e2fsck', '-f', '-n'],
  },
  ext4: {
    modules: [{ anyOf: ['ext4'] }],
    make: ['mkfs.ext4', '-q', '-F'],
    imageSize: '64M',
    options: 'errors=remount-ro',
    check: ['e2fsck', '-f', '-n'],
  },
  xfs: {
    modules: [{ anyOf: ['xfs'] }],
    // What Linux 5.10 can mount, whatever this machine's xfsprogs makes by default.
    make: ['mkfs.xfs', '-q', '-f', '-m', 'bigtime=0,inobtcount=0'],
    // xfsprogs makes none below 300 MB.
    imageSize: '320M',
    // XFS has no errors=: it shuts down where its log cannot be written.
    options: 'rw',
    check: ['xfs_repair', '-n', '-f'],
  },
};
