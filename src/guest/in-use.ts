import type { TargetReads } from '../machine/port.ts';

/** A disk behind a host adapter of the driver. */
export interface AttachedDisk {
  /** As the kernel calls it: `sda`. */
  readonly name: string;
  /** Number of the SCSI host that it hangs on. */
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
  /** Null: cannot be told, as on a guest's tree that does not run. */
  readonly inUse: boolean | null;
  readonly hosts: readonly DriverHost[];
  /** The disks by name; kernels 2.4 do not tell names, so there it is empty even where `inUse` is true. */
  readonly disks: readonly AttachedDisk[];
  /** Whether the code is in the running kernel; null where that cannot be told. */
  readonly loaded: boolean | null;
  /** Where the answer comes from. */
  readonly source: 'sysfs' | 'procfs' | 'none';
}

/** The part of a target that is needed: its reads, what it is, and where its links lead. */
export type UseTarget = Pick<TargetReads, 'readText' | 'list'> & {
  readonly kind: 'local' | 'root';
  hostPath(path: string): Promise<string>;
};

/** The names that the driver gave its hosts over time: one a transport since 2.6.14, one for all before. */
const HOST_DRIVERS: readonly string[] = ['mptspi', 'mptsas', 'mptfc', 'mptscsih', 'mptscsi'];
/** The modules that hold the completion routine; mptscsi is RHEL 4's. */
const CORE_MODULES: readonly string[] = ['mptscsih', 'mptscsi'];

const CANNOT_TELL: DriverUse = { inUse: null, hosts: [], disks: [], loaded: null, source: 'none' };

/**
 * Looks which disks of the running kernel hang on the driver. Reads only; a file that vanishes or refuses to
 * be read (a disk that is being detached) counts as not there, so it does not fail.
 *
 * A guest's tree is never looked into: if it has a /sys at all, that is the controller's own.
 */
export async function driverInUse(target: UseTarget): Promise<DriverUse> {
  if (target.kind === 'root') return CANNOT_TELL;
  return (await fromSysfs(target)) ?? (await fromProcfs(target)) ?? CANNOT_TELL;
}

/** Linux 2.6 and later. Undefined where there is no sysfs or it shows no kind of SCSI host. */
async function fromSysfs(target: UseTarget): Promise<DriverUse | undefined> {
  const classes = await listOf(target, '/sys/class');
  if (!classes.includes('scsi_host')) {
    // sysfs without the class: no SCSI at all, so no such host either.
    return classes.length === 0 ? undefined : noHosts(await isLoaded(target));
  }
  const hosts: DriverHost[] = [];
  for (const name of await listOf(target, '/sys/class/scsi_host')) {
    const host = /^host(\d{1,6})$/.exec(name)?.[1];
    const driver = await readLine(target, `/sys/class/scsi_host/${name}/proc_name`);
    if (host === undefined || driver === undefined || !HOST_DRIVERS.includes(driver)) continue;
    hosts.push({ host: Number(host), driver });
  }
  if (hosts.length === 0) return noHosts(await isLoaded(target));
  const disks = await disksOn(target, new Set(hosts.map(({ host }) => host)));
  return { inUse: disks.length > 0, hosts, disks, loaded: true, source: 'sysfs' };
}

function noHosts(loaded: boolean | null): DriverUse {
  return { inUse: false, hosts: [], disks: [], loaded, source: 'sysfs' };
}

async function disksOn(target: UseTarget, hosts: ReadonlySet<number>): Promise<readonly AttachedDisk[]> {
  const disks: AttachedDisk[] = [];
  for (const name of await listOf(target, '/sys/block')) {
    if (!/^sd[a-z]{1,4}$/.test(name)) continue;
    const host = await hostOf(target, name);
    if (host === undefined || !hosts.has(host)) continue;
    const seconds = /^\d{1,7}$/.exec(
      (await readLine(target, `/sys/block/${name}/device/timeout`)) ?? '',
    )?.[0];
    disks.push({ name, host, ...(seconds === undefined ? {} : { timeoutSeconds: Number(seconds) }) });
  }
  return disks;
}

/** The link `device` ends at the disk's own folder, named host:channel:id:lun in every kernel with sysfs. */
async function hostOf(target: UseTarget, disk: string): Promise<number | undefined> {
  try {
    const device = await target.hostPath(`/sys/block/${disk}/device`);
    const host = /\/(\d{1,6}):\d+:\d+:\d+\/?$/.exec(device)?.[1];
    return host === undefined ? undefined : Number(host);
  } catch {
    return undefined;
  }
}

async function isLoaded(target: UseTarget): Promise<boolean | null> {
  const modules = await listOf(target, '/sys/module');
  if (CORE_MODULES.some((name) => modules.includes(name))) return true;
  const listed = await readText(target, '/proc/modules');
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
  const attached = diskHosts((await readText(target, '/proc/scsi/scsi')) ?? '');
  const loaded = hosts.length > 0 ? true : await isLoaded(target);
  return { inUse: hosts.some(({ host }) => attached.has(host)), hosts, disks: [], loaded, source: 'procfs' };
}

/**
 * The hosts that have a disk, from `Host: scsi0 Channel: 00` and, two lines on, `Type:   Direct-Access`.
 */
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

async function readLine(target: UseTarget, path: string): Promise<string | undefined> {
  return (await readText(target, path))?.split('\n')[0]?.trim();
}

async function readText(target: UseTarget, path: string): Promise<string | undefined> {
  try {
    return await target.readText(path);
  } catch {
    return undefined;
  }
}

async function listOf(target: UseTarget, path: string): Promise<readonly string[]> {
  try {
    return await target.list(path);
  } catch {
    return [];
  }
}
