import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { end, spawnBound } from './child.ts';

export interface VirtualMachine {
  readonly kernel: string;
  readonly initramfs: string;
  /** What of `devices.ts` it has. */
  readonly devices: readonly string[];
  /** Kernel parameters beside those that every guest of the lab has. */
  readonly parameters?: string;
  /** Where all that its console says is written. */
  readonly consoleLog: string;
}

/**
 * Runs a machine until it powers off. Emulated in software, so that it behaves the same wherever it runs.
 * Throws where it has not ended in time; it is gone in any case.
 */
export async function runMachine(
  machine: VirtualMachine,
  onLine: (line: string) => void,
  limits: { readonly seconds: number; readonly signal: AbortSignal },
): Promise<void> {
  const child = spawnBound([
    'qemu-system-x86_64',
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
    if (status !== 0) throw new Error(`QEMU ended with ${status}: ${said.trim()}`);
  } finally {
    clearTimeout(timer);
    limits.signal.removeEventListener('abort', stop);
    log.end();
    await end(child);
  }
}
