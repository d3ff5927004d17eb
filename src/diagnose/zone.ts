import { isZone } from '../kernel-log/time.ts';
import { LIMITS } from '../limits.ts';
import type { Target } from '../machine/port.ts';

/** Where distros keep the time zone in which syslog writes; the first that names one counts. */
const PLACES: readonly { readonly path: string; readonly pattern: RegExp; readonly link?: true }[] = [
  { path: '/etc/localtime', pattern: /zoneinfo\/(?:posix\/|right\/)?(?<zone>[\w+/-]+)$/, link: true },
  { path: '/etc/timezone', pattern: /^(?<zone>[\w+/-]+)\s*$/m },
  // Red Hat's ZONE, SUSE's TIMEZONE.
  { path: '/etc/sysconfig/clock', pattern: /^(?:TIME)?ZONE="?(?<zone>[\w+/-]+)"?\s*$/m },
];

/** Of a running guest whose files do not name its zone: by how far its clock is from UTC now. */
export async function offsetZoneOf(target: Target): Promise<string | undefined> {
  const { status, stdout } = await target.run(['sh', '-c', 'unset TZ; date +%z'], {
    effect: 'read',
    timeoutMs: 10_000,
  });
  const [, sign, hours] = /^([+-])(\d\d)00\s*$/.exec(stdout.toString('latin1')) ?? [];
  if (status !== 0 || hours === undefined) return undefined;
  // The names of POSIX have the sign the other way round.
  const zone = Number(hours) === 0 ? 'UTC' : `Etc/GMT${sign === '+' ? '-' : '+'}${Number(hours)}`;
  return isZone(zone) ? zone : undefined;
}

/** A tree's time zone by name; undefined where it is not known (then this machine's is used). */
export async function zoneOf(target: Target): Promise<string | undefined> {
  for (const { path, pattern, link } of PLACES) {
    const text = link === true ? await target.readLink(path) : await target.readText(path, LIMITS.textBytes);
    const zone = pattern.exec(text ?? '')?.groups?.zone;
    if (zone !== undefined && isZone(zone)) return zone;
  }
  return undefined;
}
