import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Needed } from '../../scripts/install-missing.ts';
import { end, spawnBound } from './programs.ts';

export interface VirtualMachine {
  /** Which QEMU; x86_64 by default. */
  readonly qemu?: 'x86_64' | 'i386' | undefined;
  readonly kernel: string;
  readonly initramfs: string;
  /** Built by the functions below. */
  readonly devices: readonly string[];
  /** Kernel parameters besides those of every guest of the lab. */
  readonly parameters?: string | undefined;
  /** Where its console is logged. */
  readonly consoleLog: string;
}

/**
 * Runs a machine until it powers off. Emulated in software, so that it behaves the same everywhere.
 * Throws where it has not ended in time; in any case it is gone afterwards.
 */
export async function runMachine(
  machine: VirtualMachine,
  onLine: (line: string) => void,
  limits: { readonly seconds: number; readonly signal: AbortSignal },
): Promise<void> {
  const child = spawnBound([
    `qemu-system-${machine.qemu ?? 'x86_64'}`,
    ...['-accel', 'tcg', '-cpu', 'max', '-m', '1024', '-nodefaults', '-no-user-config', '-no-reboot'],
    ...['-display', 'none', '-monitor', 'none', '-serial', 'stdio'],
    ...['-kernel', machine.kernel, '-initrd', machine.initramfs],
    ...['-append', `console=ttyS0 panic=-1 quiet ${machine.parameters ?? ''}`.trim()],
    ...machine.devices,
  ]);
  const log = createWriteStream(machine.consoleLog);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2048);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    log.write(`${line}\n`);
    onLine(line);
  });
  const stop = (): void => void end(child);
  limits.signal.addEventListener('abort', stop);
  const timer = setTimeout(stop, limits.seconds * 1000);
  try {
    const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    limits.signal.throwIfAborted();
    if (signal !== null) throw new Error(`the virtual machine had not ended after ${limits.seconds} s`);
    if (status !== 0) throw new Error(`QEMU ended with status ${status}: ${said.trim()}`);
  } finally {
    clearTimeout(timer);
    limits.signal.removeEventListener('abort', stop);
    await end(child);
    // Whoever reads the log next must find all of it.
    await new Promise<void>((resolve) => log.end(resolve));
  }
}

/** The adapter of the driver in question: QEMU emulates an LSI SAS1068, which has eight ports. */
export const ADAPTER = ['-device', 'mptsas1068,id=adapter'] as const;

/** A disk behind the adapter with the SCSI statuses of an iSCSI target (`iscsi://HOST:PORT/TARGET/LUN`). */
export function passThroughDisk(url: string): readonly string[] {
  return [
    ...['-drive', `file=${escaped(url)},if=none,id=disk,format=raw`],
    ...['-device', 'scsi-generic,drive=disk,bus=adapter.0'],
  ];
}

/** A disk of an image, in one of the adapter's ports. */
export function scsiDisk(port: number, image: string): readonly string[] {
  return [
    ...['-drive', `file=${escaped(image)},if=none,id=disk${port},format=raw,cache=unsafe`],
    ...['-device', `scsi-hd,drive=disk${port},bus=adapter.0,wwn=${worldWideName(port)}`],
  ];
}

/** A CD-ROM drive in one of the adapter's ports, with a disc in it. */
export function cdRom(port: number, image: string): readonly string[] {
  return [
    ...['-drive', `file=${escaped(image)},if=none,id=disc${port},format=raw,media=cdrom,readonly=on`],
    ...['-device', `scsi-cd,drive=disc${port},bus=adapter.0,wwn=${worldWideName(port)}`],
  ];
}

/** Without one a device has no SAS address, and the driver ignores it. */
function worldWideName(port: number): string {
  return `0x5000c5000000000${port.toString(16)}`;
}

/** A comma would begin QEMU's next option. */
function escaped(path: string): string {
  return path.replaceAll(',', ',,');
}

/** The programs that every machine of the lab needs. */
export const MACHINE_NEEDS: readonly Needed[] = [
  ['qemu-system-x86_64', 'qemu-system-x86'],
  ['busybox', 'busybox'],
  ['cpio', 'cpio'],
  ['setpriv', 'util-linux'],
];
