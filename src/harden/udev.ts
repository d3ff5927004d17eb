import type { InitSystem } from '../guest/init-system.ts';
import { LIMITS } from '../limits.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import type { Argv } from '../machine/program.ts';
import { typedInGuest } from '../typed.ts';
import type { TimeoutRule } from './document.ts';

/** After VMware's `99-vmware-scsi-udev.rules`: programs of rules run in the order of the rules, and the last one wins. */
export const RULE_PATH = '/etc/udev/rules.d/99-zz-mptfix-timeout.rules';

const WRITTEN_BY = `# Written by mptfix harden; ${typedInGuest('harden', ['--undo'])} removes it.`;

/**
 * One form for every udev from 057 (2005) to now: `RUN` with `%p`. `ATTR{…}=` came with 098, and is done before any
 * RUN, so that VMware's rule would win; `$DEVPATH` in RUN is refused by later ones; `add|change` is read by later ones
 * only.
 */
export function ruleText(seconds: number): string {
  const rule = (action: string): string =>
    `ACTION=="${action}", SUBSYSTEM=="block", KERNEL=="sd*[!0-9]", RUN+="/bin/sh -c 'echo ${seconds} > /sys%p/device/timeout'"`;
  return [WRITTEN_BY, rule('add'), rule('change'), ''].join('\n');
}

const RULE_FOLDERS: readonly string[] = [
  '/etc/udev/rules.d',
  '/run/udev/rules.d',
  '/usr/lib/udev/rules.d',
  '/lib/udev/rules.d',
];

/** What a rule writes, in the forms that VMware Tools and administrators have used. */
const VALUES: readonly RegExp[] = [
  /echo\s+["']?(\d{1,7})["']?\s*>\s*\/sys[^'"]*\/timeout/,
  /ATTR\{(?:device\/)?timeout\}\s*=\s*"(\d{1,7})"/,
];

const LARGEST_RULE = 1024 * 1024;

/** Every udev rule of the guest that sets a SCSI timeout, in the order of the folders and names. */
export async function timeoutRules(
  target: Pick<Target, 'list' | 'readText' | 'stat' | 'hostPath'>,
): Promise<readonly TimeoutRule[]> {
  const found: TimeoutRule[] = [];
  const seen = new Set<string>();
  for (const folder of RULE_FOLDERS) {
    for (const name of (await target.list(folder).catch(() => [])).filter((entry) =>
      entry.endsWith('.rules'),
    )) {
      const path = `${folder}/${name}`;
      // /lib is a link to /usr/lib on merged systems: the same file twice.
      const real = await target.hostPath(path);
      if (seen.has(real)) continue;
      seen.add(real);
      const rule = await readRule(target, path);
      if (rule !== undefined) found.push(rule);
    }
  }
  return found;
}

async function readRule(
  target: Pick<Target, 'readText' | 'stat'>,
  path: string,
): Promise<TimeoutRule | undefined> {
  if (((await target.stat(path).catch(() => undefined))?.size ?? 0) > LARGEST_RULE) return undefined;
  const lines = ((await target.readText(path, LIMITS.textBytes)) ?? '')
    .split('\n')
    .filter((line) => !/^\s*#/.test(line));
  const setting = lines.find((line) => /\btimeout\b/.test(line) && VALUES.some((value) => value.test(line)));
  if (setting === undefined) return undefined;
  const seconds = VALUES.map((value) => value.exec(setting)?.[1]).find((digits) => digits !== undefined);
  const owner = path === RULE_PATH ? 'mptfix' : /vmware|open-vm/i.test(path) ? 'vmware' : 'other';
  return { path, owner, seconds: seconds === undefined ? undefined : Number(seconds) };
}

/** Any of these belongs to a udev that knows RUN. RHEL 4's udev 039 has none of them, and /etc/dev.d. */
const UDEV_SIGNS: readonly string[] = [
  '/sbin/udevadm',
  '/bin/udevadm',
  '/usr/bin/udevadm',
  '/usr/sbin/udevadm',
  '/usr/lib/udev/rules.d',
  '/lib/udev/rules.d',
];

/** Whether the guest's udev reads our rule. */
export async function hasUdev(target: Pick<Target, 'stat'>): Promise<boolean> {
  const exists = async (path: string): Promise<boolean> =>
    (await target.stat(path).catch(() => undefined)) !== undefined;
  for (const path of UDEV_SIGNS) if (await exists(path)) return true;
  // Before udevadm (117) there was udevinfo, also in the one of RHEL 4 that knows no RUN.
  const older = (await exists('/usr/bin/udevinfo')) || (await exists('/sbin/udevinfo'));
  return older && !(await exists('/etc/dev.d'));
}

/** How a guest without such a udev sets the timeouts at boot. */
export interface BootScript {
  readonly path: string;
  /** Links that the init system starts it by: name and text. */
  readonly links: readonly (readonly [path: string, target: string])[];
}

const LEVELS = [2, 3, 4, 5];

const BOOT_SCRIPTS: Readonly<Record<InitSystem, BootScript | null>> = {
  'sysvinit-redhat': redhat(),
  'upstart-redhat': redhat(),
  'sysvinit-suse': {
    path: '/etc/init.d/mptfix-timeout',
    links: LEVELS.map(
      (level) => [`/etc/init.d/rc${level}.d/S01mptfix-timeout`, '../mptfix-timeout'] as const,
    ),
  },
  'sysvinit-debian': debian(),
  upstart: debian(),
  openrc: { path: '/etc/local.d/mptfix-timeout.start', links: [] },
  systemd: null,
  unknown: null,
};

function redhat(): BootScript {
  return {
    path: '/etc/rc.d/init.d/mptfix-timeout',
    links: LEVELS.map(
      (level) => [`/etc/rc.d/rc${level}.d/S01mptfix-timeout`, '../init.d/mptfix-timeout'] as const,
    ),
  };
}

function debian(): BootScript {
  return {
    path: '/etc/init.d/mptfix-timeout',
    links: LEVELS.map(
      (level) => [`/etc/rc${level}.d/S01mptfix-timeout`, '../init.d/mptfix-timeout'] as const,
    ),
  };
}

export function bootScriptOf(init: InitSystem): BootScript | null {
  return BOOT_SCRIPTS[init];
}

/** POSIX sh, for the shells of 2003. */
export function bootScriptText(seconds: number): string {
  return `#!/bin/sh
${WRITTEN_BY}
for file in /sys/block/sd*/device/timeout; do
  if [ -w "$file" ]; then echo ${seconds} > "$file"; fi
done
exit 0
`;
}

interface UdevControl {
  /** Only a udev that runs has it. */
  readonly sign: string;
  readonly reload: Argv;
  readonly settle: Argv;
}

/** The youngest first: udev(7) since 173, udevadm since 117, and the programs that RHEL 5 and SLES 10 had before. */
const CONTROLS: readonly UdevControl[] = [
  {
    sign: '/run/udev/control',
    reload: ['udevadm', 'control', '--reload'],
    settle: ['udevadm', 'settle', '--timeout=10'],
  },
  {
    sign: '/dev/.udev',
    reload: ['udevadm', 'control', '--reload-rules'],
    settle: ['udevadm', 'settle', '--timeout=10'],
  },
  {
    sign: '/dev/.udev',
    reload: ['udevcontrol', 'reload_rules'],
    settle: ['udevsettle', '--timeout=10'],
  },
];

/**
 * Has a running udev read its rules again, and waits for what it has still to do. Whoever writes to a disk, as tune2fs
 * does, makes an event on closing it, and udev looks for new rules every three seconds only: without this a rule that
 * is gone may yet set a timeout after it was set, and a new one may be missed. A guest without a udev that can be asked
 * is left as it is.
 */
export async function waitForUdev(target: Pick<Target, 'kind' | 'stat' | 'run'>): Promise<void> {
  if (!traitsOf(target).isRunning) return;
  for (const { sign, reload, settle } of CONTROLS) {
    if ((await target.stat(sign).catch(() => undefined)) === undefined) continue;
    // Like systemd, udev answers nobody whose number it cannot see: on no leash.
    const options = { effect: 'write', mayOutlive: true, timeoutMs: 15_000 } as const;
    if ((await target.run(reload, options)).status !== 0) continue;
    await target.run(settle, options);
    return;
  }
}
