import type { InitSystem } from '../guest/init-system.ts';
import { LIMITS } from '../limits.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import type { Argv } from '../machine/program.ts';
import type { DeadService } from './document.ts';

/** By init system; what has no list here keeps no record of what should run. */
const FINDERS: Readonly<Record<InitSystem, ((target: Target) => Promise<readonly DeadService[]>) | null>> = {
  systemd: failedUnits,
  'upstart-redhat': (target) => deadByLock(target, redhatStart),
  'sysvinit-redhat': (target) => deadByLock(target, redhatStart),
  'sysvinit-suse': (target) => deadByLink(target, '/etc/init.d/rc', suseStart),
  'sysvinit-debian': (target) => deadByLink(target, '/etc/rc', debianStart),
  upstart: (target) => deadByLink(target, '/etc/rc', debianStart),
  openrc: null,
  unknown: null,
};

const redhatStart = (name: string): readonly Argv[] => [
  ['rm', '-f', `${LOCKS}/${name}`],
  ['service', name, 'start'],
];
const suseStart = (name: string): readonly Argv[] => [[`/etc/init.d/${name}`, 'start']];
const debianStart = (name: string): readonly Argv[] => [['invoke-rc.d', name, 'restart']];

/** Services that should run and do not. Reads only, and never fails: what is not known is left out. */
export async function deadServices(target: Target, init: InitSystem): Promise<readonly DeadService[]> {
  if (!traitsOf(target).isRunning) return [];
  return (await FINDERS[init]?.(target)) ?? [];
}

/** A unit’s name as systemd allows it; whatever else a line holds is not one. */
const UNIT = /^[A-Za-z0-9:_.\\@-]{1,255}$/;

async function failedUnits(target: Target): Promise<readonly DeadService[]> {
  const { status, stdout } = await target.run(
    ['systemctl', 'list-units', '--state=failed', '--all', '--no-legend', '--no-pager', '--plain'],
    { effect: 'read', timeoutMs: 10_000 },
  );
  if (status !== 0) return [];
  const names = stdout
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0] ?? '')
    .filter((name) => UNIT.test(name));
  return names.map((name) => ({
    name,
    why: 'systemd says that it failed',
    commands: [
      ['systemctl', 'reset-failed', '--', name],
      ['systemctl', 'start', '--', name],
    ],
  }));
}

const LOCKS = '/var/lock/subsys';

/**
 * RHEL's init scripts leave a lock file when they have started. A lock without a process is a daemon that died; where
 * the root was read-only from the start, the lock could not be made: a service of this runlevel without one did not
 * come up. That is how network and sshd are missing after a boot with a read-only root.
 */
async function deadByLock(target: Target, start: StartCommands): Promise<readonly DeadService[]> {
  const locks = new Set(await target.list(LOCKS).catch(() => []));
  const enabled = await enabledServices(target, '/etc/rc.d/rc');
  const running = await processNames(target);
  const dead: DeadService[] = [];
  for (const name of new Set([...enabled, ...locks])) {
    const daemon = await daemonOf(target, name);
    if (daemon === undefined) continue;
    const why = whyDead(daemon, running, { locked: locks.has(name), enabled: enabled.includes(name) });
    if (why !== undefined) dead.push({ name, why, commands: start(name) });
  }
  return dead;
}

function whyDead(
  daemon: Daemon,
  running: ReadonlySet<string>,
  state: { readonly locked: boolean; readonly enabled: boolean },
): string | undefined {
  const { program } = daemon;
  // Scripts that start no daemon: the lock is all there is.
  if (program === undefined)
    return state.enabled && !state.locked && daemon.keepsLock
      ? 'it belongs to this runlevel, and its lock file is missing: it did not come up'
      : undefined;
  if (running.has(program.slice(0, 15))) return undefined;
  if (state.locked)
    return `its lock file exists, and no process ${program} is running: it died, and the lock is stale`;
  return state.enabled ? `it belongs to this runlevel, and no process ${program} is running` : undefined;
}

type StartCommands = (name: string) => readonly Argv[];

/** Elsewhere the links of the runlevel say what should run, and the script's header names its process. */
async function deadByLink(
  target: Target,
  links: string,
  start: StartCommands,
): Promise<readonly DeadService[]> {
  const running = await processNames(target);
  const dead: DeadService[] = [];
  for (const name of await enabledServices(target, links)) {
    const program = (await daemonOf(target, name))?.program;
    if (program === undefined || running.has(program.slice(0, 15))) continue;
    dead.push({
      name,
      why: `it belongs to this runlevel, and no process ${program} is running`,
      commands: start(name),
    });
  }
  return dead;
}

/** The services of the present runlevel by its `S10network` links, in the order of their start. */
async function enabledServices(target: Target, links: string): Promise<readonly string[]> {
  const level = (await presentRunlevel(target)) ?? (await defaultRunlevel(target));
  if (level === undefined) return [];
  const names = await target.list(`${links}${level}.d`).catch(() => []);
  return names.flatMap((name) => /^S\d\d(\w[\w.@+-]{0,63})$/.exec(name)?.[1] ?? []);
}

/** A record of utmp(5) on x86: its size, the type of the one that holds the runlevel, and where its pid lies. */
const UTMP = { size: 384, runLevel: 1, pid: 4, largest: 1024 * 1024 };

/** As runlevel(8) finds it: the low byte of the pid of the record RUN_LVL. */
async function presentRunlevel(target: Target): Promise<string | undefined> {
  const bytes = await target.readRange('/var/run/utmp', 0, UTMP.largest).catch(() => Buffer.alloc(0));
  let level: string | undefined;
  for (let at = 0; at + UTMP.size <= bytes.length; at += UTMP.size) {
    if (bytes.readUInt16LE(at) === UTMP.runLevel) level = String.fromCharCode(bytes.readUInt8(at + UTMP.pid));
  }
  return level !== undefined && /^[2-5]$/.test(level) ? level : undefined;
}

async function defaultRunlevel(target: Target): Promise<string | undefined> {
  return /^[^#:]*:([2-5]):initdefault:/m.exec(
    (await target.readText('/etc/inittab', LIMITS.textBytes)) ?? '',
  )?.[1];
}

/** What an init script says of itself. */
export interface Daemon {
  /** Name of the process that it starts; undefined where it starts none. */
  readonly program?: string | undefined;
  /** Whether the script makes a lock file in /var/lock/subsys. */
  readonly keepsLock: boolean;
}

/** An init script is a few kilobytes; what is larger is something else. */
const LARGEST_SCRIPT = 256 * 1024;

/**
 * Reads an init script's header: `# processname: sshd` (chkconfig(8)), the daemon's path in its variables
 * (`DAEMON=/usr/sbin/sshd`, `SSHD_BIN=…`), or its `# pidfile:`. Undefined where there is no such script.
 */
async function daemonOf(
  target: Pick<Target, 'stat' | 'readText'>,
  name: string,
): Promise<Daemon | undefined> {
  if (!/^\w[\w.@+-]{0,63}$/.test(name)) return undefined;
  const path = `/etc/init.d/${name}`;
  const status = await target.stat(path).catch(() => undefined);
  if (status?.type !== 'file' || status.size > LARGEST_SCRIPT) return undefined;
  const text = (await target.readText(path, LIMITS.textBytes)) ?? '';
  const program = SIGNS.map((sign) => sign.exec(text)?.[1]).find((found) => found !== undefined);
  const base = program?.replace(/^.*\//, '');
  return {
    program: base === '' ? undefined : base,
    keepsLock: text.includes('/var/lock/subsys/'),
  };
}

/** The surest first. */
const SIGNS: readonly RegExp[] = [
  /^#\s*processname:\s*([\w./@+-]{1,200})\s*$/m,
  /^(?:[A-Z]+_)?(?:DAEMON|BIN)=["']?(\/[\w./@+-]{1,200})["']?\s*$/m,
  /^#\s*pidfile:\s*(\/[\w./@+-]{1,200})\.pid\s*$/m,
];

/** The names of all processes, as the kernel has them: cut at 15 characters. */
async function processNames(target: Pick<Target, 'list' | 'readText'>): Promise<ReadonlySet<string>> {
  const ids = (await target.list('/proc').catch(() => [])).filter((name) => /^\d{1,10}$/.test(name));
  const names = new Set<string>();
  for (const id of ids) {
    // comm is younger than Linux 2.6.33; stat has the name in brackets in every kernel.
    const stat = await target.readText(`/proc/${id}/stat`, LIMITS.kernelBytes);
    const name = /^\d+ \((.*)\) [A-Zx]/s.exec(stat ?? '')?.[1];
    if (name !== undefined) names.add(name);
  }
  return names;
}
