import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Target } from '../../src/machine/port.ts';
import { mustRun } from '../../src/machine/tools.ts';
import { openStorage, type Storage } from '../failure/storage.ts';
import { labLine } from '../machine/console.ts';
import { passThroughDisk } from '../machine/virtual-machine.ts';
import { bootFiles } from '../power/guest-image.ts';
import { look } from '../power/look.ts';
import { type Powered, powerOn } from '../power/machine.ts';
import type { Guest } from '../power/prepare.ts';
import type { Found } from '../power/record.ts';

/** By whom the guest is patched. */
export type Tool = 'mptfix' | 'bundle';

/** What one boot of the guest has shown. */
export interface Boot {
  readonly found: Found;
  /** While its disk answered BUSY: undefined where it did not. */
  readonly writes?: { readonly done: number; readonly lost: number; readonly busyAnswers: number };
  /** The command that was run before the next boot, and its exit status. */
  readonly command?: { readonly words: string; readonly status: number; readonly said: string };
}

export const FAILURE = { writes: 40, busyAfter: 5, busySeconds: 15 } as const;
const LIMIT_SECONDS = 900;
/** The whole guest, as it boots by itself. */
const UNIT = 'multi-user.target';

interface Leg {
  readonly busy: boolean;
  /** Words of sh; undefined: the trip ends here. */
  readonly command: string | undefined;
}

const NODE = '/opt/mptfix';
const MOVED = '/opt/moved-away';
const BUNDLE = 'sh /opt/lab/output/*.run';

/** As an administrator does it: apply, reboot; a path failure; rollback, reboot; another path failure. */
function legs(tool: Tool, release: string): readonly Leg[] {
  // `status` is Node's: it comes back for that, and is away while the bundle works.
  const alone = (words: string): string =>
    `mv ${NODE} ${MOVED}; ! command -v node && ! [ -e ${NODE} ] && ${words}; status=$?; mv ${MOVED} ${NODE}; exit $status`;
  const [apply, rollback] =
    tool === 'bundle'
      ? [alone(`${BUNDLE} apply --yes --json`), alone(`${BUNDLE} rollback --yes --json`)]
      : [
          `${NODE}/node /opt/lab/install.mjs /opt/lab/output ${release} in-place`,
          `${NODE}/node ${NODE}/bin/mptfix.cjs rollback --yes --json`,
        ];
  return [
    { busy: false, command: apply },
    { busy: true, command: rollback },
    { busy: true, command: undefined },
  ];
}

/** Three boots of a copy of the guest, each by the kernel and the initramfs that are in its image then. Creates `folder`. */
export async function takeTrip(
  machine: Target,
  guest: Guest,
  tool: Tool,
  folder: string,
): Promise<readonly Boot[]> {
  await mkdir(folder);
  const image = join(folder, 'disk.img');
  await mustRun(machine, ['cp', '--sparse=always', guest.image, image]);
  const boots: Boot[] = [];
  for (const [index, leg] of legs(tool, guest.release).entries()) {
    const at = join(folder, `boot-${index + 1}`);
    await mkdir(at);
    boots.push(await bootOnce(machine, guest, image, { leg, folder: at }));
  }
  return boots;
}

async function bootOnce(
  machine: Target,
  { release, drivers, signal }: Guest,
  image: string,
  { leg, folder }: { readonly leg: Leg; readonly folder: string },
): Promise<Boot> {
  const files = await bootFiles(machine, image, release, folder);
  const storage = await openStorage(machine, folder, image);
  let vm: Powered | undefined;
  try {
    const writes = counted(storage);
    vm = await powerOn({
      ...files,
      unit: UNIT,
      disk: passThroughDisk(storage.url),
      folder,
      consoleLog: join(folder, 'console.log'),
      signal,
      onLine: writes.line,
    });
    await vm.ready(LIMIT_SECONDS);
    await vm.ask('whole', 'systemctl is-system-running --wait', LIMIT_SECONDS);
    const found = await look(vm, drivers);
    // It comes last of what is looked at: afterwards nothing on that disk may work any more.
    if (leg.busy) await failOver(vm);
    const command = leg.command === undefined ? undefined : await commanded(vm, leg.command);
    return {
      found,
      ...(leg.busy ? { writes: { ...writes.counts(), busyAnswers: storage.answers() } } : {}),
      ...(command === undefined ? {} : { command }),
    };
  } finally {
    await vm?.kill();
    await storage.close();
  }
}

/** Runs it, and has the guest shut down for a reboot. */
async function commanded(vm: Powered, words: string): Promise<Boot['command']> {
  const { status, because } = await vm.ask('command', words, LIMIT_SECONDS);
  vm.tell('reboot', 'systemctl reboot');
  await vm.ended(LIMIT_SECONDS);
  return { words, status, said: because };
}

/** Writes from memory, so that the loss of the disk does not stop it. */
async function failOver(vm: Powered): Promise<void> {
  const box = '/dev/shm/busybox';
  await vm.ask(
    'prepare',
    `cp /bin/busybox ${box} && cp /opt/lab/writes.sh /dev/shm/writes.sh && sync`,
    LIMIT_SECONDS,
  );
  await vm.ask('writes', `${box} sh /dev/shm/writes.sh ${FAILURE.writes} ${box}`, LIMIT_SECONDS);
}

function counted(storage: Storage): {
  readonly line: (line: string) => void;
  readonly counts: () => { readonly done: number; readonly lost: number };
} {
  let [done, lost] = [0, 0];
  return {
    line: (line) => {
      const { key, words = '' } = labLine(line) ?? {};
      if (key !== 'write') return;
      if (words.endsWith(' ok')) done += 1;
      else lost += 1;
      if (done >= FAILURE.busyAfter) storage.failOver(FAILURE.busySeconds);
    },
    counts: () => ({ done, lost }),
  };
}
