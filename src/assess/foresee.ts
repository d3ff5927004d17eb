import { RELEASE_FILES } from '../guest/distro.ts';
import { OWN_FOLDERS } from '../guest/module-file.ts';
import { LIMITS } from '../limits.ts';
import { MODULES_FOLDER, STATE_FOLDER } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';

/*
 * What every look at a guest's driver asks for, so that a guest far away is asked for it in two round trips: the kernel's
 * release names the folders of the second. Whatever else turns out to be needed is asked for when it is.
 */

type Far = Pick<Target, 'foresee'>;

/** Most guests have no more, and their names are the kernel's own; what else there is costs another round trip. */
const HOSTS = [0, 1, 2, 3].map((number) => `/sys/class/scsi_host/host${number}/proc_name`);
const DISKS = ['sda', 'sdb', 'sdc', 'sdd'].map((name) => `/sys/block/${name}/device`);

/** What can be asked before the kernel is known; with `release`, also what belongs to that. */
export function foreseeFacts(target: Far, release: string | undefined): void {
  target.foresee?.({
    texts: [
      ...RELEASE_FILES.map((path) => ({ path, limit: LIMITS.textBytes })),
      ...[
        '/proc/sys/kernel/osrelease',
        '/proc/modules',
        ...HOSTS,
        ...DISKS.map((path) => `${path}/timeout`),
      ].map((path) => ({ path, limit: LIMITS.kernelBytes })),
      { path: '/var/lib/dpkg/status', limit: LIMITS.indexBytes },
    ],
    names: [
      ...[
        '/sys/class',
        '/sys/class/scsi_host',
        '/sys/block',
        '/sys/module',
        '/proc/scsi',
        '/proc/mpt',
        '/boot',
      ],
      ...['generations', 'harden', 'schedule'].map((name) => `${STATE_FOLDER}/${name}`),
    ],
    statuses: [STATE_FOLDER, MODULES_FOLDER],
    places: DISKS,
  });
  if (release !== undefined) foreseeKernel(target, release);
}

/** The endings that a module of 2.4 to today has. Source: kernel/module-loader of modutils, module-init-tools, kmod. */
const ENDINGS = ['.ko', '.ko.gz', '.ko.xz', '.ko.zst', '.o'] as const;

/** What belongs to one kernel. */
export function foreseeKernel(target: Far, release: string): void {
  const folder = `${MODULES_FOLDER}/${release}`;
  const fusion = `${folder}/kernel/drivers/message/fusion`;
  const modules = ['mptscsih', 'mptscsi'].flatMap((name) =>
    ENDINGS.map((ending) => `${fusion}/${name}${ending}`),
  );
  const index = ['modules.dep', 'modules.order', 'modules.builtin'].map((name) => `${folder}/${name}`);
  target.foresee?.({
    texts: [
      ...index.map((path) => ({ path, limit: LIMITS.moduleIndexBytes })),
      ...modules.map((path) => ({ path, limit: LIMITS.moduleBytes })),
    ],
    names: [folder, ...OWN_FOLDERS.map((name) => `${folder}/${name}`), fusion],
    places: [folder],
  });
}
