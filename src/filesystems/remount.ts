import type { Mount } from '../guest/mounts.ts';
import type { Argv } from '../machine/program.ts';

/** What mount(2) forgets at a remount unless it is given again; the rest is up to the file system. */
const KEPT: ReadonlySet<string> = new Set([
  'nosuid',
  'nodev',
  'noexec',
  'noatime',
  'nodiratime',
  'relatime',
  'strictatime',
  'nosymfollow',
  'sync',
  'dirsync',
  'mand',
  'lazytime',
]);

/**
 * The remount with these options added. Device and folder are both named, so that mount(8) mixes nothing in from
 * fstab; `-n`, so that it does not write a mtab on a disk that is read-only.
 */
export function remountCommand(mount: Mount, device: string, options: readonly string[]): Argv {
  const kept = [...mount.mountOptions, ...mount.superOptions].filter((option) => KEPT.has(option));
  const words = ['remount', ...options, ...new Set(kept)];
  return ['mount', '-n', '-t', mount.fsType, '-o', words.join(','), '--', device, mount.mountPoint];
}
