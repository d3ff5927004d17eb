import type { FileSystem } from '../../src/filesystems/file-systems.ts';
import type { Observation } from '../../src/filesystems/observation.ts';
import type { ExtSuperblock } from '../../src/filesystems/superblock/ext.ts';

export const BOOT = 1_700_000_000;

export const CLEAN: ExtSuperblock = {
  kind: 'ext',
  uuid: '0f5c0000-0000-0000-0000-000000000000',
  label: '',
  hasJournal: true,
  needsRecovery: false,
  valid: true,
  errorFlag: false,
  errorCount: 0,
  firstError: null,
  lastError: null,
  errorsPolicy: 'remount-ro',
  checksum: null,
};

interface Parts extends Omit<Partial<Observation>, 'fileSystem' | 'mount'> {
  /** Options of the mount and of the file system, as mountinfo has them: `rw ro`. */
  readonly options?: string;
  readonly fileSystem?: Partial<FileSystem>;
}

/** An observation of an ext4 on sda1 at /data, of which nothing but the mount table was looked at. */
export function seen({ options = 'rw rw', fileSystem, ...parts }: Parts = {}): Observation {
  const [mountOptions = '', superOptions = ''] = options.split(' ');
  const mount = {
    ...{
      id: 27,
      parent: 1,
      device: '8:1',
      root: '/',
      mountPoint: '/data',
      fsType: fileSystem?.fsType ?? 'ext4',
    },
    source: '/dev/sda1',
    mountOptions: mountOptions.split(','),
    superOptions: superOptions.split(','),
  };
  return {
    fileSystem: {
      ...{ device: '8:1', name: 'sda1', mapper: null, source: '/dev/sda1', fsType: 'ext4', kind: 'disk' },
      ...{ mountPoint: '/data', mounts: [mount], fstab: null, intended: 'rw' },
      ...fileSystem,
    },
    mount,
    system: { bootTime: BOOT, kernel: '6.18.0' },
    ...parts,
  };
}
