import { dmesgOf } from '../machine/dmesg.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { ReadStream, Target } from '../machine/port.ts';
import type { Argv } from '../machine/program.ts';
import { typed } from '../typed.ts';

/** A message of the kernel. */
export interface KernelMessage {
  /** Since boot. */
  readonly seconds: number;
  /** One line of ASCII; what is not printable stands as the kernel's `\x1b`. */
  readonly text: string;
}

/** More than the largest usual ring buffer holds (CONFIG_LOG_BUF_SHIFT 21); a file in its place may be larger. */
const LONGEST_BYTES = 16 * 1024 * 1024;
/** A message is at most 1 KiB (LOG_LINE_MAX) before its escapes. */
const LONGEST_TEXT = 2048;

/**
 * The messages in the kernel's ring buffer, the oldest first, each given to `onMessage`. Log files are no substitute:
 * they cannot be written any more where /var is read-only. Answers why it could not be read, if so; kernels before
 * 3.5 have no /dev/kmsg to read.
 */
export async function readKernelMessages(
  target: Pick<Target, 'openStream' | 'kind'>,
  onMessage: (message: KernelMessage) => void,
): Promise<string | undefined> {
  if (!traitsOf(target).isRunning)
    return `the kernel’s messages are not read: a tree has no running kernel, and its /dev is never opened; ${typed('diagnose')} reads its logs`;
  let stream: ReadStream;
  try {
    stream = await target.openStream('/dev/kmsg');
  } catch (error) {
    return `the kernel’s messages cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
  try {
    readAvailable(stream, onMessage, LONGEST_BYTES);
    return undefined;
  } finally {
    stream.close();
  }
}

/** Gives each message that is there now; a record that is cut in two by a file's read is put together. */
export function readAvailable(
  stream: ReadStream,
  onMessage: (message: KernelMessage) => void,
  longest = Number.POSITIVE_INFINITY,
): void {
  let rest = '';
  let bytes = 0;
  for (let chunk = stream.read(); chunk !== undefined && bytes < longest; chunk = stream.read()) {
    bytes += chunk.length;
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = (lines.pop() ?? '').slice(0, 2 * LONGEST_TEXT);
    for (const line of lines) {
      const message = kernelMessage(line);
      if (message !== undefined) onMessage(message);
    }
  }
}

/**
 * A record of /dev/kmsg, `6,339,5140900,-;EXT4-fs (sda1): …` (Documentation/ABI/testing/dev-kmsg): priority, number,
 * microseconds. The lines after it, which begin with a blank, hold its dictionary and give undefined. What a program
 * wrote into the buffer (its facility is not 0) is none of the kernel's messages: anybody may claim anything there.
 */
function kernelMessage(record: string): KernelMessage | undefined {
  const start = record.indexOf(';');
  if (start < 0 || record.startsWith(' ')) return undefined;
  const [priority = '', , microseconds = ''] = record.slice(0, start).split(',', 3);
  if (!/^\d+$/.test(priority) || !/^\d+$/.test(microseconds) || Number(priority) >> 3 !== 0) return undefined;
  const text = record.slice(start + 1, start + LONGEST_TEXT);
  return { seconds: Number(microseconds) / 1e6, text: text.replaceAll('\\x5c', '\\') };
}

/** The kernel's ring buffer as dmesg prints it; undefined where this user may not read it. At most 16 MiB, the kernel's own limit. */
export async function readKernelLog(target: Pick<Target, 'run' | 'kind'>): Promise<string | undefined> {
  const argv: Argv = traitsOf(target).isHere ? ['dmesg'] : await dmesgOf(target);
  const { status, stdout } = await target.run(argv, { effect: 'read', timeoutMs: 10_000 });
  return status === 0 ? stdout.toString('utf8') : undefined;
}
