import type { TargetReads } from '../target/port.ts';

/** The kernel's names of the block devices, in both directions, and what the device mapper calls them. */
export interface BlockDevices {
  /** `8:1` → `sda1`. */
  readonly nameOf: ReadonlyMap<string, string>;
  /** `sda1` → `8:1`. */
  readonly numberOf: ReadonlyMap<string, string>;
}

/** From /proc/partitions, which every kernel since 2.0 has; a device without a medium is not in it. */
export async function blockDevices(target: Pick<TargetReads, 'readText'>): Promise<BlockDevices> {
  const nameOf = new Map<string, string>();
  for (const line of ((await target.readText('/proc/partitions')) ?? '').split('\n')) {
    const [, major, minor, name] = /^\s*(\d{1,7})\s+(\d{1,7})\s+\d+\s+(\S+)/.exec(line) ?? [];
    // devfs of 2.4 shows paths here: the last part is what messages call the device.
    if (name !== undefined) nameOf.set(`${major}:${minor}`, name.slice(name.lastIndexOf('/') + 1));
  }
  return { nameOf, numberOf: new Map([...nameOf].map(([number, name]) => [name, number])) };
}

/**
 * The device mapper's name of `dm-0`, such as `vg-root`; undefined where it is none. Kernels before 2.6.29 do not
 * show it in sysfs; there /dev/mapper has a node with the same number.
 */
export async function mapperName(
  target: Pick<TargetReads, 'readText' | 'list' | 'stat'>,
  name: string,
  number: string | undefined,
): Promise<string | undefined> {
  if (!/^dm-\d+$/.test(name)) return undefined;
  const shown = (await target.readText(`/sys/block/${name}/dm/name`))?.trim();
  if (shown !== undefined && shown !== '') return shown;
  for (const entry of await target.list('/dev/mapper')) {
    const node = await target.stat(`/dev/mapper/${entry}`).catch(() => undefined);
    if (node?.rdev !== undefined && node.rdev === number) return entry;
  }
  return undefined;
}
