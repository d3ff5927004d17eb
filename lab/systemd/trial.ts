import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Target } from '../../src/machine/port.ts';
import { mustRun } from '../../src/machine/tools.ts';
import { openStorage } from '../failure/storage.ts';
import { documents, type LabDocument, labLine } from '../machine/console.ts';
import { ADAPTER, passThroughDisk, runMachine } from '../machine/virtual-machine.ts';
import { type Observation, observe } from './observation.ts';
import { type Mail, openRelay } from './relay.ts';
import { RELAY } from './tree.ts';

export interface SystemdTrial extends Observation {
  readonly documents: Readonly<Record<string, LabDocument>>;
  /** The SCSI timeout of the root disk in sysfs, in seconds, by moment: before, hardened, replugged, undone. */
  readonly timeouts: Readonly<Record<string, number>>;
  /** What systemd says of the watch's timer. */
  readonly timers: string;
  readonly mails: readonly Mail[];
  /** When the first write was lost, in ms since 1970. */
  readonly lostAt: number | undefined;
  readonly busyAnswers: number;
  readonly seconds: number;
}

export interface SystemdSettings {
  readonly release: string;
  readonly writes: number;
  /** BUSY begins after this write. */
  readonly busyAfter: number;
  readonly busySeconds: number;
  readonly limitSeconds: number;
  readonly signal: AbortSignal;
}

/** Boots a tree from a root disk whose path fails over, with a mail relay that it can reach. Creates `folder`. */
export async function runGuest(
  machine: Target,
  folder: string,
  tree: string,
  { signal, ...settings }: SystemdSettings,
): Promise<SystemdTrial> {
  await mkdir(folder);
  const started = Date.now();
  await writeFile(join(tree, 'opt/lab/writes'), `${settings.writes}\n`);
  const disk = join(folder, 'disk');
  await mustRun(machine, ['truncate', '-s', '2G', disk]);
  await mustRun(machine, ['mkfs.ext4', '-q', '-F', '-d', tree, disk], { signal });
  const mails: Mail[] = [];
  const relay = await openRelay((mail) => mails.push(mail));
  try {
    const storage = await openStorage(machine, folder, disk);
    try {
      const observer = observe();
      const answers = documents();
      const timeouts: Record<string, number> = {};
      let timers = '';
      let lostAt: number | undefined;
      const onLine = (line: string): void => {
        if (answers.line(line)) return;
        const { key, words = '' } = labLine(line) ?? {};
        const [moment = '', seconds] = words.split(' ');
        if (key === 'timeout') timeouts[moment] = Number(seconds);
        if (key === 'timers') timers = words;
        if (key === 'timeout' || key === 'timers') return;
        observer.line(line);
        const { written, lost } = observer.result();
        if (written >= settings.busyAfter) storage.failOver(settings.busySeconds);
        if (lost > 0) lostAt ??= Date.now();
      };
      const vm = {
        kernel: join(tree, 'boot', `vmlinuz-${settings.release}`),
        initramfs: join(tree, 'boot', `initrd.img-${settings.release}`),
        parameters: 'root=/dev/sda rw loglevel=1 systemd.show_status=false',
        devices: [
          ...ADAPTER,
          ...passThroughDisk(storage.url),
          // One program a connection: `-tcp:` would connect once, when the machine starts, and never again.
          ...[
            '-netdev',
            `user,id=net,restrict=on,guestfwd=tcp:${RELAY.host}:${RELAY.port}-cmd:busybox nc 127.0.0.1 ${relay.port}`,
          ],
          ...['-device', 'virtio-net-pci,netdev=net,romfile='],
        ],
        consoleLog: join(folder, 'console.log'),
      };
      await runMachine(vm, onLine, { seconds: settings.limitSeconds, signal });
      const seconds = (Date.now() - started) / 1000;
      const busyAnswers = storage.answers();
      return {
        ...observer.result(),
        documents: answers.result(),
        timeouts,
        timers,
        mails,
        lostAt,
        busyAnswers,
        seconds,
      };
    } finally {
      await storage.close();
    }
  } finally {
    await relay.close();
  }
}
