import { LIMITS } from '../limits.ts';
import type { Target } from '../machine/port.ts';
import { RELEASE_FILES } from './distro.ts';

/*
 * What a look at a running machine asks for beside its driver: mounts, clock, init system, logs, disks. A guest far away is
 * asked for all of it at once; what else turns out to be needed is asked for when it is.
 */

type Far = Pick<Target, 'foresee' | 'findProgram'>;

/** Names that the kernel gives to the first disks and their partitions: most guests have no others. */
const DISKS = ['sda', 'sdb', 'sdc', 'sdd'] as const;
const PARTITIONS = [
  ...DISKS.flatMap((disk) => [1, 2, 3].map((number) => `${disk}${number}`)),
  'dm-0',
  'dm-1',
  'dm-2',
];

/** Of each folder, what is in it: so that a name which is not there costs nothing, and a link's text neither. */
const FOLDERS = [
  ...['/dev', '/etc', '/etc/init', '/etc/init.d', '/etc/rc.d', '/sbin', '/run/systemd', '/var/log'],
  ...['/usr/lib/systemd', '/lib/systemd', '/sys/block', '/sys/class/scsi_host', '/sys/fs/ext4'],
  ...['/etc', '/run', '/usr/lib', '/lib'].map((folder) => `${folder}/udev/rules.d`),
];

/** `programs`: by name, those that the look starts or looks for. Does nothing for a guest that is near. */
export function foreseeMachine(target: Far, programs: readonly string[]): void {
  if (target.foresee === undefined) return;
  const kernel = [
    ...['/proc/1/mountinfo', '/proc/partitions', '/proc/stat', '/proc/sys/kernel/osrelease'],
    '/proc/sys/kernel/hostname',
    ...[0, 1, 2, 3].map((number) => `/sys/class/scsi_host/host${number}/proc_name`),
    ...DISKS.flatMap((disk) =>
      ['vendor', 'model', 'timeout'].map((name) => `/sys/block/${disk}/device/${name}`),
    ),
    ...PARTITIONS.map((name) => `/sys/fs/ext4/${name}/errors_count`),
  ];
  target.foresee({
    texts: [
      ...kernel.map((path) => ({ path, limit: LIMITS.kernelBytes })),
      ...[...RELEASE_FILES, '/etc/fstab', '/etc/timezone'].map((path) => ({ path, limit: LIMITS.textBytes })),
    ],
    names: FOLDERS,
    places: ['/', '/dev', '/dev/sda1', '/dev/sda2', '/dev/sda3'],
  });
  // Whoever asks for it is told.
  for (const name of programs) target.findProgram(name).catch(() => {});
}
