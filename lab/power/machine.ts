import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { shQuote } from '../../src/sh-quote.ts';
import { labLine } from '../machine/console.ts';
import { end, spawnBound } from '../machine/programs.ts';
import { ADAPTER } from '../machine/virtual-machine.ts';
import { resumeMachine, saveMachine } from './saved-machine.ts';

export interface PoweredSettings {
  readonly kernel: string;
  readonly initramfs: string;
  /** What systemd starts. */
  readonly unit: string;
  /** What the disk on the adapter is; built by the functions below or by those of lab/machine. */
  readonly disk: readonly string[];
  /** The file of an earlier `snapshot` of the same machine, which goes on from there instead of booting. */
  readonly from?: string | undefined;
  /** A folder for its sockets. */
  readonly folder: string;
  readonly consoleLog: string;
  readonly signal: AbortSignal;
  /** Hears of every line of the console. */
  readonly onLine?: (line: string) => void;
}

/** What a command in the guest came to. `text` without line feeds. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The end of its stderr. */
  readonly because: string;
}

/** A guest whose serial line runs what it is told (guest.sh). */
export interface Powered {
  /** Until the guest listens. Throws after so many seconds, or where the machine is gone. */
  ready(seconds: number): Promise<void>;
  /** Has the guest run a line of sh. */
  tell(name: string, words: string): void;
  /** What that came to, also where the machine was saved meanwhile. Throws after so many seconds, or where the machine is gone. */
  answer(name: string, seconds: number): Promise<Answer>;
  /** Both. */
  ask(name: string, words: string, seconds: number): Promise<Answer>;
  /** Until it has ended by itself, as a reboot ends it. Throws after so many seconds. */
  ended(seconds: number): Promise<void>;
  /** Writes memory and devices to a file and ends the machine. */
  snapshot(file: string): Promise<void>;
  /** Ends it as a power cut does: at once. */
  kill(): Promise<void>;
}

/** Emulated, the kernel's guards against the processor's own leaks cost a third of the time, and guard nothing. */
const PARAMETERS =
  'console=ttyS0 panic=-1 quiet loglevel=1 mitigations=off root=/dev/sda rw systemd.show_status=false';

/** Starts a machine; it dies with this process. */
export async function powerOn(settings: PoweredSettings): Promise<Powered> {
  const { signal, onLine } = settings;
  const control = `${settings.folder}/qmp`;
  const child = spawnBound(
    [
      'qemu-system-x86_64',
      ...['-accel', 'tcg', '-cpu', 'max', '-m', '1024', '-nodefaults', '-no-user-config', '-no-reboot'],
      ...['-display', 'none', '-serial', 'stdio', '-qmp', `unix:${control},server=on,wait=off`],
      ...[
        '-kernel',
        settings.kernel,
        '-initrd',
        settings.initramfs,
        '-append',
        `${PARAMETERS} systemd.unit=${settings.unit}`,
      ],
      ...ADAPTER,
      ...settings.disk,
      ...(settings.from === undefined ? [] : ['-incoming', `exec:cat ${shQuote(settings.from)}`]),
    ],
    {},
    'pipe',
  );
  const log = createWriteStream(settings.consoleLog, { flags: 'a' });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2048);
  });
  let isReady = settings.from !== undefined;
  const because = new Map<string, string>();
  const answers = new Map<string, Answer>();
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    log.write(`${line}\n`);
    onLine?.(line);
    const { key, words = '' } = labLine(line) ?? {};
    if (key === 'ready') isReady = true;
    const [, name = '', rest = ''] = /^(\S+) ?(.*)$/.exec(words) ?? [];
    if (key === 'because') because.set(name, rest.trim());
    if (key === 'answer') {
      const [, status = '', text = ''] = /^(\d+) ?(.*)$/.exec(rest) ?? [];
      answers.set(name, { status: Number(status), text, because: because.get(name) ?? '' });
    }
    wake();
  });
  let gone: string | undefined;
  child.once('close', (status) => {
    gone = `the virtual machine ended with status ${status}: ${said.trim()}`;
    log.end();
    wake();
  });
  const stop = (): void => void end(child);
  signal.addEventListener('abort', stop);
  const until = async <T>(found: () => T | undefined, what: string, seconds: number): Promise<T> => {
    const late = AbortSignal.timeout(seconds * 1000);
    for (;;) {
      const value = found();
      if (value !== undefined) return value;
      signal.throwIfAborted();
      if (gone !== undefined) throw new Error(`${what}: ${gone}`);
      if (late.aborted) throw new Error(`${what}: nothing came within ${seconds} s`);
      await new Promise<void>((resolve) => {
        waiting.add(resolve);
        late.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  };
  if (settings.from !== undefined) {
    try {
      await resumeMachine(control);
    } catch (error) {
      await end(child);
      throw new Error(`the saved machine does not go on: ${(error as Error).message}: ${said}`);
    }
  }
  const tell = (name: string, words: string): void => {
    answers.delete(name);
    child.stdin?.write(`${name} ${words}\n`);
  };
  const answer = (name: string, seconds: number): Promise<Answer> =>
    until(() => answers.get(name), `the guest does not answer to ${name}`, seconds);
  return {
    ready: (seconds) => until(() => isReady || undefined, 'the guest does not boot', seconds).then(() => {}),
    tell,
    answer,
    ask: (name, words, seconds) => {
      tell(name, words);
      return answer(name, seconds);
    },
    ended: async (seconds) => {
      const late = AbortSignal.timeout(seconds * 1000);
      while (gone === undefined) {
        signal.throwIfAborted();
        if (late.aborted) throw new Error(`the guest does not shut down within ${seconds} s`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
    snapshot: async (file) => {
      await saveMachine(control, file);
      await end(child);
    },
    kill: async () => {
      signal.removeEventListener('abort', stop);
      await end(child);
    },
  };
}

/** A disk of lab/power/nbd.ts, at its socket. */
export function networkDisk(socket: string): readonly string[] {
  return disk({ driver: 'nbd', server: { type: 'unix', path: socket } });
}

/** An image as a disk that loses nothing. */
export function imageDisk(image: string): readonly string[] {
  const cache = { 'no-flush': true };
  return disk({ driver: 'raw', cache, file: { driver: 'file', filename: image, cache } });
}

/** With a write cache, as cache=writeback gives it: the guest flushes it where it needs to. */
function disk(node: Readonly<Record<string, unknown>>): readonly string[] {
  return [
    ...['-blockdev', JSON.stringify({ 'node-name': 'disk0', ...node })],
    ...['-device', 'scsi-hd,drive=disk0,bus=adapter.0,wwn=0x5000c50000000000,write-cache=on'],
  ];
}
