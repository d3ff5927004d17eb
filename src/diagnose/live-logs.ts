import type { Argv, Target } from '../machine/port.ts';
import { type LogSource, outputOf } from './source.ts';

/** One read gives one record, and no record is larger (PRINTK_MESSAGE_MAX of 2 KB). */
const READ_KMSG: Argv = ['dd', 'if=/dev/kmsg', 'iflag=nonblock', 'bs=8192'];
const KMSG_IS_READ = 'Resource temporarily unavailable';

/**
 * The running kernel's own buffer: it still has what no log file could take once /var was read-only. /dev/kmsg is
 * there from 3.5; before, dmesg asks the kernel.
 */
export async function kernelBufferSource(target: Target, now: number): Promise<LogSource> {
  const bootedAt = await bootTime(target, now);
  const host = (await target.readText('/proc/sys/kernel/hostname'))?.trim() ?? '';
  const open = async function* (): AsyncGenerator<Uint8Array> {
    // The buffer is small (at most some MB): it can be held whole, and dd's end tells whether it was read whole.
    const kmsg = await target.run(READ_KMSG, { effect: 'read' });
    if (kmsg.stderr.includes(KMSG_IS_READ) && kmsg.stdout.length > 0) yield kmsg.stdout;
    else yield* outputOf(target, ['dmesg']);
  };
  return {
    name: 'kernel buffer',
    parts: [{ name: 'the kernel’s buffer (/dev/kmsg, dmesg)', until: now, open }],
    ...(host === '' ? {} : { host }),
    ...(bootedAt === undefined ? {} : { bootedAt }),
  };
}

async function bootTime(target: Target, now: number): Promise<number | undefined> {
  // Not btime of /proc/stat: that has whole seconds.
  const uptime = Number((await target.readText('/proc/uptime'))?.split(' ')[0] ?? Number.NaN);
  return Number.isFinite(uptime) ? now - uptime * 1000 : undefined;
}

/** journald's entries of the kernel and of multipathd, of every boot; undefined where there is no journal to read. */
export async function journalSource(target: Target, now: number): Promise<LogSource | undefined> {
  if ((await target.findProgram('journalctl')) === undefined) return undefined;
  const where = await journalArguments(target);
  if (where === undefined) return undefined;
  const argv: Argv = [
    'journalctl',
    ...where,
    '--no-pager',
    '--quiet',
    '--all',
    // Seconds, but with the zone; the finer forms came later than RHEL 7.
    '--output=short-iso',
    '_TRANSPORT=kernel',
    '+',
    'SYSLOG_IDENTIFIER=multipathd',
  ];
  return {
    name: 'journald',
    parts: [{ name: 'journald', until: now, open: () => outputOf(target, argv) }],
  };
}

async function journalArguments(target: Target): Promise<readonly string[] | undefined> {
  if (target.kind === 'local') return [];
  const folder = '/var/log/journal';
  if ((await target.list(folder).catch(() => [])).length === 0) return undefined;
  return ['-D', await target.hostPath(folder)];
}
