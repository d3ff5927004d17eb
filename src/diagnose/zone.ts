import { isZone } from '../kernel-log/clock.ts';
import type { Target } from '../machine/port.ts';

/** Where distros say in which time zone syslog writes; the first that names one. */
const PLACES: readonly { readonly path: string; readonly pattern: RegExp; readonly link?: true }[] = [
  { path: '/etc/localtime', pattern: /zoneinfo\/(?:posix\/|right\/)?(?<zone>[\w+/-]+)$/, link: true },
  { path: '/etc/timezone', pattern: /^(?<zone>[\w+/-]+)\s*$/m },
  // Red Hat's ZONE, SUSE's TIMEZONE.
  { path: '/etc/sysconfig/clock', pattern: /^(?:TIME)?ZONE="?(?<zone>[\w+/-]+)"?\s*$/m },
];

/** A tree's time zone by name; undefined where it cannot be told (then this machine's is taken). */
export async function zoneOf(target: Target): Promise<string | undefined> {
  for (const { path, pattern, link } of PLACES) {
    const text = link === true ? await target.readLink(path) : await target.readText(path);
    const zone = pattern.exec(text ?? '')?.groups?.zone;
    if (zone !== undefined && isZone(zone)) return zone;
  }
  return undefined;
}
