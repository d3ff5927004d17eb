import { LIMITS } from '../limits.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { defined } from '../optional.ts';
import { firstLine, scsiHostOf } from './disks.ts';

/** A disk behind a host adapter of the driver. */
export interface AttachedDisk {
  /** As the kernel calls it: `sda`. */
  readonly name: string;
  /** Number of the SCSI host that it belongs to. */
  readonly host: number;
  /** sd's command timeout in seconds; undefined where the kernel does not show it. */
  readonly timeoutSeconds?: number;
}

export interface DriverHost {
  /** SCSI host number: 0 of host0. */
  readonly host: number;
  /** The driver's name for itself: `mptspi`. */
  readonly driver: string;
}

/** Whether a disk is attached through the driver. */
export interface DriverUse {
  /** Null: not known, as for a guest's tree, which does not run. */
  readonly inUse: boolean | null;
  readonly hosts: readonly DriverHost[];
  /** The disks by name; kernels 2.4 show no names, so there it is empty even where `inUse` is true. */
  readonly disks: readonly AttachedDisk[];
  /** Whether the code is in the running kernel; null where that is not known. */
  readonly loaded: boolean | null;
  /** Where the answer comes from. */
  readonly source: 'sysfs' | 'procfs' | 'none';
}

export type UseTarget = Pick<Target, 'kind' | 'readText' | 'list' | 'hostPath'>;

/** The names that the driver gave its hosts over time: one a transport since 2.6.14, one for all before. */
const HOST_DRIVERS: readonly string[] = ['mptspi', 'mptsas', 'mptfc', 'mptscsih', 'mptscsi'];
/** The modules that hold the completion routine; mptscsi is RHEL 4's. */
const CORE_MODULES: readonly string[] = ['mptscsih', 'mptscsi'];

const NOT_KNOWN: DriverUse = { inUse: null, hosts: [], disks: [], loaded: null, source: 'none' };

/**
 * Finds the disks of the running kernel behind the driver. Reads only; a file that vanishes or cannot be read (a disk
 * that is being detached) counts as missing, so it does not fail.
 *
 * Never looks into a guest's tree: if that has a /sys, it is the controller's own.
 */
export async function driverInUse(target: UseTarget): Promise<DriverUse> {
  if (!traitsOf(target).isRunning) return NOT_KNOWN;
  return (await fromSysfs(target)) ?? (await fromProcfs(target)) ?? NOT_KNOWN;
}

/** Linux 2.6 and later. Undefined where there is no sysfs or it shows no kind of SCSI host. */
async function fromSysfs(target: UseTarget): Promise<DriverUse | undefined> {
  const classes = await listOf(target, '/sys/class');
  if (classes.length === 0) return undefined;
  // sysfs without the class scsi_host: no SCSI at all, so no such host either.
  const hosts: DriverHost[] = [];
  for (const name of await listOf(target, '/sys/class/scsi_host')) {
    const host = /^host(\d{1,6})$/.exec(name)?.[1];
    const driver = await firstLine(target, `/sys/class/scsi_host/${name}/proc_name`);
    if (host === undefined || !HOST_DRIVERS.includes(driver)) continue;
    hosts.push({ host: Number(host), driver });
  }
  const disks = await disksOn(target, new Set(hosts.map(({ host }) => host)));
  const loaded = hosts.length > 0 || (await isLoaded(target));
  return { inUse: disks.length > 0, hosts, disks, loaded, source: 'sysfs' };
}

async function disksOn(target: UseTarget, hosts: ReadonlySet<number>): Promise<readonly AttachedDisk[]> {
  const disks: AttachedDisk[] = [];
  if (hosts.size === 0) return disks;
  for (const name of await listOf(target, '/sys/block')) {
    if (!/^sd[a-z]{1,4}$/.test(name)) continue;
    const host = await scsiHostOf(target, name);
    if (host === undefined || !hosts.has(host)) continue;
    const timeout = await firstLine(target, `/sys/block/${name}/device/timeout`);
    const timeoutSeconds = /^\d{1,7}$/.test(timeout) ? Number(timeout) : undefined;
    disks.push({ name, host, ...defined({ timeoutSeconds }) });
  }
  return disks;
}

async function isLoaded(target: UseTarget): Promise<boolean | null> {
  const modules = await listOf(target, '/sys/module');
  if (CORE_MODULES.some((name) => modules.includes(name))) return true;
  const listed = await target.readText('/proc/modules', LIMITS.kernelBytes);
  if (listed !== undefined) return CORE_MODULES.some((name) => `\n${listed}`.includes(`\n${name} `));
  return modules.length === 0 ? null : false;
}

/**
 * Kernels 2.4: each host is a file /proc/scsi/DRIVER/N, and /proc/scsi/scsi lists what is attached to it.
 * Undefined where there is no /proc/scsi.
 */
async function fromProcfs(target: UseTarget): Promise<DriverUse | undefined> {
  const drivers = await listOf(target, '/proc/scsi');
  const adapters = await listOf(target, '/proc/mpt');
  if (drivers.length === 0 && adapters.length === 0) return undefined;
  const hosts: DriverHost[] = [];
  for (const driver of HOST_DRIVERS.filter((name) => drivers.includes(name))) {
    for (const entry of await listOf(target, `/proc/scsi/${driver}`)) {
      if (/^\d{1,6}$/.test(entry)) hosts.push({ host: Number(entry), driver });
    }
  }
  const attached = diskHosts((await target.readText('/proc/scsi/scsi', LIMITS.kernelBytes)) ?? '');
  const loaded = hosts.length > 0 || (await isLoaded(target));
  return { inUse: hosts.some(({ host }) => attached.has(host)), hosts, disks: [], loaded, source: 'procfs' };
}

/** The hosts that have a disk, from `Host: scsi0 Channel: 00` and, two lines on, `Type:   Direct-Access`. */
function diskHosts(attached: string): ReadonlySet<number> {
  const hosts = new Set<number>();
  let current: number | undefined;
  for (const line of attached.split('\n')) {
    const host = /^Host: scsi(\d{1,6}) /.exec(line)?.[1];
    if (host !== undefined) current = Number(host);
    if (current !== undefined && /^ *Type: {1,8}Direct-Access/.test(line)) hosts.add(current);
  }
  return hosts;
}

function listOf(target: UseTarget, path: string): Promise<readonly string[]> {
  return target.list(path).catch(() => []);
}
