import { versionOrder } from '../../versions/kernel-base.ts';
import type { Gathered, Signal } from './evidence.ts';

/** btime of /proc/stat wanders by a second as the clock is adjusted. */
const SLACK_SECONDS = 5;

/**
 * ext4 counted an error since the file system was seen first, or since boot. With `errors=remount-ro` it is read-only
 * since then, also where the mount table keeps `rw` (5.15.168, 6.1.113 and 6.12 to 6.14, and what was ported back
 * from there, after CVE-2024-50191). With `errors=continue` the counter is all that ever shows.
 */
export const ext4Errors: Signal = (gathered) => {
  const { ext4, fileSystem } = gathered;
  if (ext4 === undefined || fileSystem.intended !== 'rw') return undefined;
  const before = errorsBefore(gathered);
  if (ext4.errors <= before) return undefined;
  const where = ext4.lastErrorFunction === undefined ? '' : `, the last in ${ext4.lastErrorFunction}`;
  const policy = ext4.policy ?? 'not known';
  return {
    kind: 'ext4-errors',
    state: isReadOnly(gathered) ? 'read-only' : 'errors',
    detail: `ext4 counted ${ext4.errors - before} new errors${where}; errors=${policy}`,
    ...(ext4.lastErrorTime === undefined ? {} : { since: new Date(ext4.lastErrorTime * 1000).toISOString() }),
  };
};

/** How many errors are old news: what the first run saw, or without one what was there before this boot. */
function errorsBefore({ remembered, ext4, bootTime }: Gathered): number {
  if (ext4 === undefined) return 0;
  // e2fsck sets the counter to zero.
  if (remembered?.errors !== undefined) return Math.min(remembered.errors, ext4.errors);
  const isNew =
    bootTime !== undefined &&
    ext4.lastErrorTime !== undefined &&
    ext4.lastErrorTime >= bootTime - SLACK_SECONDS;
  return isNew ? 0 : ext4.errors;
}

function isReadOnly({ ext4, log, kernel }: Gathered): boolean {
  return ext4?.policy === 'remount-ro' && log?.standing !== 'mounted' && !showsReadOnly(kernel);
}

/** Whether the mount table of this kernel surely shows an ext4 that gave up. Unknown kernels do not. */
function showsReadOnly(kernel: string): boolean {
  return kernel !== '' && (versionOrder(kernel, '4.18') < 0 || versionOrder(kernel, '6.15') >= 0);
}
