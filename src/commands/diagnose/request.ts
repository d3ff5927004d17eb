import { resolve } from 'node:path';
import type { DiagnoseRequest } from '../../diagnose/diagnose.ts';
import type { MachineFacts } from '../../diagnose/host-context.ts';
import { liveAdapters, liveNames, treeNames } from '../../diagnose/resolve.ts';
import {
  fileSources,
  journalSource,
  kernelBufferSource,
  type LogSource,
  logFileSources,
} from '../../diagnose/sources.ts';
import { offsetZoneOf, zoneOf } from '../../diagnose/zone.ts';
import { DURATION_FORMS } from '../../duration.ts';
import { failure } from '../../errors.ts';
import { readDistro } from '../../guest/distro.ts';
import { kernelReleases } from '../../guest/kernels.ts';
import { LIMITS } from '../../limits.ts';
import { traitsOf } from '../../machine/kinds.ts';
import type { Target } from '../../machine/port.ts';
import { localTarget } from '../../machine/tree.ts';
import { parseMoment } from './moment.ts';

/** What `--since` and `--until` say, in milliseconds since the epoch. */
export interface Moments {
  readonly since: number | undefined;
  readonly until: number | undefined;
}

/** Reads `--since` and `--until`. Throws E_USAGE for what is no moment, and where nothing can lie between the two. */
export function momentsOf(options: { since?: string; until?: string }, now: number): Moments {
  const since = moment('--since', options.since, now);
  const until = moment('--until', options.until, now);
  if (since !== undefined && until !== undefined && since > until)
    throw failure(
      'E_USAGE',
      `--since ${new Date(since).toISOString()} is after --until ${new Date(until).toISOString()}: nothing lies between them`,
      'give --since the earlier moment, --until the later one',
    );
  return { since, until };
}

function moment(option: string, text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseMoment(text, now);
  if (ms !== undefined) return ms;
  throw failure(
    'E_USAGE',
    `${option} takes a date or time, not ${JSON.stringify(text)}`,
    `write it as ${option} 2026-01-31, ${option} '2026-01-31 14:00', ${option} @1767225600, or how long ago: ${DURATION_FORMS}`,
  );
}

type Logs = Pick<DiagnoseRequest, 'sources' | 'names' | 'named' | 'live' | 'facts' | 'zone'>;

/** The logs of a guest, and what is known of it beside them. */
export async function guestLogs(target: Target, kernel: string | undefined, now: number): Promise<Logs> {
  const { isRunning, isHere } = traitsOf(target);
  const files = await logFileSources(target);
  const journal = await journalSource(target, now);
  const buffer = isRunning ? [await kernelBufferSource(target, now)] : [];
  return {
    sources: [...files, ...(journal === undefined ? [] : [journal]), ...buffer],
    named: false,
    live: isRunning,
    names: await (isRunning ? liveNames(target) : treeNames(target)),
    facts: await factsOf(target, kernel),
    zone: isHere
      ? undefined
      : ((await zoneOf(target)) ?? (isRunning ? await offsetZoneOf(target) : undefined)),
  };
}

async function factsOf(target: Target, wanted: string | undefined): Promise<MachineFacts> {
  const distro = await readDistro(target);
  const release = wanted ?? (await presentRelease(target));
  return {
    host: await hostName(target),
    distro,
    kernel: release === undefined ? undefined : { release, said: wanted === undefined ? 'guest' : 'option' },
    adapters: traitsOf(target).isRunning ? await liveAdapters(target) : undefined,
  };
}

/** Where systems keep their name: the kernel, if it runs; Debian and systemd; Red Hat; SUSE. */
const HOST_NAMES: readonly { readonly path: string; readonly pattern: RegExp; readonly live?: true }[] = [
  { path: '/proc/sys/kernel/hostname', pattern: /^(?<host>\S+)/, live: true },
  { path: '/etc/hostname', pattern: /^(?<host>[\w.-]+)\s*$/m },
  { path: '/etc/sysconfig/network', pattern: /^HOSTNAME="?(?<host>[\w.-]+)"?\s*$/m },
  { path: '/etc/HOSTNAME', pattern: /^(?<host>[\w.-]+)\s*$/m },
];

async function hostName(target: Target): Promise<string | undefined> {
  for (const { path, pattern, live } of HOST_NAMES) {
    if (live === true && !traitsOf(target).isRunning) continue;
    const text = await target.readText(path, live === true ? LIMITS.kernelBytes : LIMITS.textBytes);
    const host = pattern.exec(text ?? '')?.groups?.host;
    if (host !== undefined) return host;
  }
  return undefined;
}

/** The kernel that runs, or a tree's only one. A tree with none or with several has logs all the same. */
async function presentRelease(target: Target): Promise<string | undefined> {
  if (traitsOf(target).isRunning)
    return (await target.readText('/proc/sys/kernel/osrelease', LIMITS.kernelBytes))?.trim();
  const releases = await kernelReleases(target).catch(() => []);
  return releases.length === 1 ? releases[0] : undefined;
}

/** Files that the user names. They may be of any machine: the names of this one would mislead. */
export async function givenLogs(
  files: readonly string[],
  target: Target,
  kernel: string | undefined,
  now: number,
): Promise<Logs> {
  const machine = localTarget({ dryRun: true });
  const paths = files.filter((file) => file !== '-').map((file) => resolve(file));
  const open = (): AsyncIterable<Uint8Array> => process.stdin;
  const stdin: LogSource = {
    name: 'standard input',
    parts: [{ name: 'standard input', until: now, open }],
  };
  return {
    sources: [...(await fileSources(machine, paths)), ...(files.includes('-') ? [stdin] : [])],
    named: true,
    live: false,
    names: null,
    facts: { kernel: kernel === undefined ? undefined : { release: kernel, said: 'option' } },
    zone: !traitsOf(target).isHere ? await zoneOf(target) : undefined,
  };
}
