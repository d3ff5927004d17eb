import { MODULES_FOLDER } from '../machine/folders.ts';
import type { TargetReads } from '../machine/port.ts';
import { kernelRelease as asRelease } from '../names.ts';
import { kernelBase } from '../versions/kernel-base.ts';
import { byAge } from '../versions/kernel-name.ts';

type Reads = Pick<TargetReads, 'list' | 'stat'>;

/** Every kernel with a module folder, the oldest first. A folder whose name is no release is no kernel's. */
export async function kernelReleases(target: Reads): Promise<readonly string[]> {
  const names = (await target.list(MODULES_FOLDER)).filter((name) => asRelease(name) !== undefined);
  const folders = await Promise.all(names.map((name) => target.stat(`${MODULES_FOLDER}/${name}`)));
  return byAge(names.filter((_, index) => folders[index]?.type === 'directory'));
}

/** What stands before the release in the name of a kernel's file in /boot. Source: installkernel of the distros. */
const IN_BOOT = /^(?:vmlinu[xz]|bzImage|kernel|config|System\.map)-(.+)$/;
/** A copy that somebody or a package manager has kept. */
const KEPT = /(?:\.(?:old|bak|orig|save|rpm\w+|dpkg-\w+|gz)|~)$/;

/** Every kernel that has files in /boot: one whose drivers are all built in needs no modules. Empty where it may not be read. */
async function bootReleases(target: Reads): Promise<readonly string[]> {
  const names = await target.list('/boot').catch(() => []);
  const releases = names.map((name) => IN_BOOT.exec(name)?.[1] ?? '');
  // A rescue image is named after the machine's id: 0-rescue-4d69….
  return releases.filter(
    (name) => asRelease(name) !== undefined && kernelBase(name) !== undefined && !KEPT.test(name),
  );
}

/** Every kernel that the guest has, by its modules or its files in /boot, the oldest first. */
export async function allReleases(target: Reads): Promise<readonly string[]> {
  return byAge([...new Set([...(await kernelReleases(target)), ...(await bootReleases(target))])]);
}
