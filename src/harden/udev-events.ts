import type { Argv, Target } from '../machine/port.ts';

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
export async function restUdev(target: Pick<Target, 'kind' | 'stat' | 'run'>): Promise<void> {
  if (target.kind !== 'local') return;
  for (const { sign, reload, settle } of CONTROLS) {
    if ((await target.stat(sign).catch(() => undefined)) === undefined) continue;
    // Like systemd, udev answers nobody whose number it cannot see: on no leash.
    const options = { effect: 'write', mayOutlive: true, timeoutMs: 15_000 } as const;
    if ((await target.run(reload, options)).status !== 0) continue;
    await target.run(settle, options);
    return;
  }
}
