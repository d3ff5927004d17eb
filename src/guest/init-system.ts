import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import type { Family } from './distro.ts';

/**
 * What starts the services and checks the file systems at boot. `upstart-redhat` is RHEL 6, whose upstart runs the
 * same rc.sysinit as before; `upstart` is Ubuntu's, with mountall.
 */
export const INIT_SYSTEMS = [
  'systemd',
  'upstart',
  'upstart-redhat',
  'sysvinit-redhat',
  'sysvinit-suse',
  'sysvinit-debian',
  'openrc',
  'unknown',
] as const;
export type InitSystem = (typeof INIT_SYSTEMS)[number];

interface Sign {
  readonly init: InitSystem;
  /** All of these must be there. */
  readonly files: readonly string[];
  /** Only on distros of these families. */
  readonly families?: readonly Family[];
}

/**
 * The files that belong to one init system and to no other, the most reliable first. A guest may have systemd's files
 * without running it, so what runs is checked before this table.
 */
const SIGNS: readonly Sign[] = [
  { init: 'upstart-redhat', files: ['/sbin/initctl', '/etc/rc.d/rc.sysinit'] },
  { init: 'sysvinit-redhat', files: ['/etc/rc.d/rc.sysinit'] },
  { init: 'openrc', files: ['/sbin/openrc'] },
  { init: 'sysvinit-suse', files: ['/etc/init.d/boot.rootfsck'] },
  { init: 'sysvinit-suse', files: ['/etc/inittab'], families: ['suse'] },
  { init: 'upstart', files: ['/sbin/initctl', '/etc/init/mountall.conf'] },
  { init: 'upstart', files: ['/sbin/initctl', '/etc/event.d'] },
  { init: 'sysvinit-debian', files: ['/etc/init.d/checkroot.sh'] },
  { init: 'sysvinit-debian', files: ['/etc/inittab'], families: ['debian'] },
  { init: 'sysvinit-redhat', files: ['/etc/inittab'], families: ['redhat'] },
];

/** Which init system the guest boots with. Reads only; never fails. */
export async function detectInit(
  target: Pick<Target, 'kind' | 'stat' | 'lstat' | 'readLink'>,
  family: Family,
): Promise<InitSystem> {
  // sd_booted(3): this folder exists only where systemd is the running init.
  if (traitsOf(target).isRunning && (await target.lstat('/run/systemd/system'))?.type === 'directory')
    return 'systemd';
  // What the kernel starts: a link to systemd, or the program of another init.
  if (/(^|\/)systemd$/.test((await target.readLink('/sbin/init')) ?? '')) return 'systemd';
  for (const { init, files, families } of SIGNS) {
    if (families !== undefined && !families.includes(family)) continue;
    const found = await Promise.all(files.map((path) => target.stat(path)));
    if (found.every((status) => status !== undefined)) return init;
  }
  const systemd = ['/usr/lib/systemd/systemd', '/lib/systemd/systemd'];
  const found = await Promise.all(systemd.map((path) => target.stat(path)));
  return found.some((status) => status !== undefined) ? 'systemd' : 'unknown';
}
