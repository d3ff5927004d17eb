import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Target } from '../../src/machine/port.ts';
import { mustRun } from '../../src/machine/tools.ts';
import { DISK_MODULES, makeInitramfs } from '../machine/initramfs.ts';
import { ADAPTER, passThroughDisk, runMachine } from '../machine/virtual-machine.ts';
import { type Observation, observe } from './observation.ts';
import { openStorage } from './storage.ts';

export interface TrialSettings {
  readonly guest: string;
  readonly release: string;
  /** The driver's file; undefined: the guest's own. */
  readonly driver?: string;
  readonly writes: number;
  /** BUSY begins after this write. */
  readonly busyAfter: number;
  readonly busySeconds: number;
  readonly limitSeconds: number;
}

export interface Trial extends Observation {
  readonly busyAnswers: number;
  readonly seconds: number;
  readonly consoleLog: string;
}

/** One guest, one disk, one path failure. Everything that it starts has ended when it returns. */
export async function runTrial(
  machine: Target,
  folder: string,
  settings: TrialSettings,
  signal: AbortSignal,
): Promise<Trial> {
  await mkdir(folder);
  const started = Date.now();
  const disk = join(folder, 'disk');
  await mustRun(machine, ['truncate', '-s', '64M', disk]);
  await mustRun(machine, ['mkfs.ext4', '-q', '-F', disk]);
  const initramfs = await makeInitramfs(machine, folder, {
    guest: settings.guest,
    release: settings.release,
    modules: [...DISK_MODULES, 'ext4'],
    script: join(import.meta.dirname, 'guest.sh'),
    files: { writes: `${settings.writes}\n` },
    instead: settings.driver === undefined ? undefined : { mptscsih: settings.driver },
  });
  const storage = await openStorage(machine, folder, disk);
  try {
    const observer = observe();
    const consoleLog = join(folder, 'console.log');
    const vm = {
      kernel: join(settings.guest, 'boot', `vmlinuz-${settings.release}`),
      initramfs,
      devices: [...ADAPTER, ...passThroughDisk(storage.url)],
      consoleLog,
    };
    const onLine = (line: string): void => {
      observer.line(line);
      if (observer.result().written >= settings.busyAfter) storage.failOver(settings.busySeconds);
    };
    await runMachine(vm, onLine, { seconds: settings.limitSeconds, signal });
    const seconds = (Date.now() - started) / 1000;
    return { ...observer.result(), busyAnswers: storage.busyAnswers(), seconds, consoleLog };
  } finally {
    await storage.close();
  }
}
