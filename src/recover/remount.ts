import type { Observation } from '../filesystems/observation.ts';
import { evidenceOf, type FileSystemState, isReadOnly } from '../filesystems/state.ts';
import type { Mount } from '../guest/mounts.ts';
import type { Argv } from '../machine/port.ts';

/**
 * Why `mount -o remount,rw` must not be done; empty where it may. It may only where everything that could tell of
 * damage was read and tells of none: RHEL 4 and 5 take a remount of a flagged ext3, and then write on over it.
 */
export function remountRefusals(seen: Observation, state: FileSystemState): readonly string[] {
  const bad = evidenceOf(seen).filter((evidence) => evidence.bad);
  const reasons = bad.map(({ detail }) => detail);
  if (state === 'aborted' && reasons.length === 0) reasons.push('its journal was aborted');
  if (state === 'intended-ro') reasons.push('it is meant to be read-only');
  if (!isReadOnly(seen) && state === 'writable') reasons.push('it is not read-only');
  if (reasons.length > 0) return reasons;
  if (seen.superblock === undefined)
    return [`its superblock could not be read (${seen.storage.answer}): nothing shows that it is clean`];
  return [];
}

/** What mount(2) forgets at a remount unless it is told again; the rest is the file system's own matter. */
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
