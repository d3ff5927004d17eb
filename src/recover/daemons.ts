import type { Target } from '../machine/port.ts';

/** What an init script says of itself. */
export interface Daemon {
  /** Name of the process that it starts; undefined where it starts none. */
  readonly program?: string;
  /** Whether the script makes a lock file in /var/lock/subsys. */
  readonly keepsLock: boolean;
}

/** An init script is a few kilobytes; what is larger is something else. */
const LARGEST_SCRIPT = 256 * 1024;

/**
 * Reads an init script's header: `# processname: sshd` (chkconfig(8)), the daemon's path in its variables
 * (`DAEMON=/usr/sbin/sshd`, `SSHD_BIN=…`), or its `# pidfile:`. Undefined where there is no such script.
 */
export async function daemonOf(
  target: Pick<Target, 'stat' | 'readText'>,
  name: string,
): Promise<Daemon | undefined> {
  if (!/^\w[\w.@+-]{0,63}$/.test(name)) return undefined;
  const path = `/etc/init.d/${name}`;
  const status = await target.stat(path).catch(() => undefined);
  if (status?.type !== 'file' || status.size > LARGEST_SCRIPT) return undefined;
  const text = (await target.readText(path)) ?? '';
  const program = SIGNS.map((sign) => sign.exec(text)?.[1]).find((found) => found !== undefined);
  const base = program?.replace(/^.*\//, '');
  return {
    ...(base === undefined || base === '' ? {} : { program: base }),
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
export async function processNames(target: Pick<Target, 'list' | 'readText'>): Promise<ReadonlySet<string>> {
  const ids = (await target.list('/proc').catch(() => [])).filter((name) => /^\d{1,10}$/.test(name));
  const names = new Set<string>();
  for (const id of ids) {
    // comm is younger than Linux 2.6.33; stat has the name in brackets in every kernel.
    const stat = await target.readText(`/proc/${id}/stat`);
    const name = /^\d+ \((.*)\) [A-Zx]/s.exec(stat ?? '')?.[1];
    if (name !== undefined) names.add(name);
  }
  return names;
}
