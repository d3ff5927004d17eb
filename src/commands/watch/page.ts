import { columns, type Style, style } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { isAlarm } from '../../watch/condition.ts';
import type { ChannelName, WatchedFileSystem, WatchResult, WatchVerdict } from '../../watch/document.ts';

/** What each result means, and its colour. */
const MEANING: Readonly<Record<WatchVerdict, readonly [Style, string]>> = {
  ok: ['green', 'every file system is fine'],
  warning: ['yellow', 'ERRORS: a file system has met errors and is still written to'],
  alarm: ['red', 'ALARM: a file system that should be writable cannot be written'],
};

/** The worst first; the intended read-only ones last, with why they are no alarm. */
export function watchPage({ result, fileSystems, told, untold }: WatchResult): string {
  const [colour, meaning] = MEANING[result];
  const order = fileSystems.toSorted((a, b) => rank(a) - rank(b));
  return [
    style(colour, style('bold', meaning)),
    '',
    columns(order.map((one) => [one.mountPoint, summary(one)])),
    ...order.flatMap(reasons),
    ...told.map(({ event, by, errors }) =>
      printable(
        `${TAKEN_BY[by ?? 'none'](event)}${errors.map(({ channel, reason }) => `; ${channel}: ${reason}`).join('')}`,
      ),
    ),
    ...(untold.length === 0
      ? []
      : [printable(`NOBODY WAS TOLD YET of ${untold.join(', ')}: each run tries again`, 500)]),
  ].join('\n');
}

/** The log of a machine that fails reaches nobody. */
const TAKEN_BY: Readonly<Record<ChannelName | 'none', (event: string) => string>> = {
  smtp: (event) => `notified (${event}) by smtp`,
  sendmail: (event) => `notified (${event}) by sendmail`,
  webhook: (event) => `notified (${event}) by webhook`,
  'kernel-log': (event) => `only the kernel’s log of this machine took the notice (${event})`,
  none: (event) => `no channel took the notice (${event})`,
};

function rank({ state, intended }: WatchedFileSystem): number {
  if (isAlarm(state)) return 0;
  return state === 'errors' ? 1 : intended === 'rw' ? 2 : 3;
}

function summary({ state, fsType, source, intended, probe }: WatchedFileSystem): string {
  const what = state === 'ok' && intended !== 'rw' ? `read-only as intended: ${intended.readOnly}` : state;
  const tried = probe === null || probe === 'ok' ? '' : `, write probe: ${probe}`;
  return printable(`${what} (${fsType} on ${source}${tried})`, 300);
}

function reasons({ mountPoint, evidence, since }: WatchedFileSystem): readonly string[] {
  if (evidence.length === 0) return [];
  return [
    '',
    printable(`${mountPoint}:${since === null ? '' : ` since ${since}`}`, 300),
    ...evidence.map(({ kind, state, detail }) => `  ${kind}: ${state}: ${printable(detail, 300)}`),
  ];
}

/** Metrics for node_exporter's textfile collector, in Prometheus' text format. */
export function prometheusText({ fileSystems, time }: WatchResult): string {
  return [
    '# HELP mptfix_filesystem_read_only Whether a file system that should be writable cannot be written.',
    '# TYPE mptfix_filesystem_read_only gauge',
    ...fileSystems.map((one) => `mptfix_filesystem_read_only{${labels(one)}} ${isAlarm(one.state) ? 1 : 0}`),
    '# HELP mptfix_filesystem_errors Whether a file system has counted errors and is still written to.',
    '# TYPE mptfix_filesystem_errors gauge',
    ...fileSystems.map((one) => `mptfix_filesystem_errors{${labels(one)}} ${one.state === 'errors' ? 1 : 0}`),
    '# HELP mptfix_watch_last_run_timestamp_seconds When mptfix watch last looked.',
    '# TYPE mptfix_watch_last_run_timestamp_seconds gauge',
    `mptfix_watch_last_run_timestamp_seconds ${Math.floor(Date.parse(time) / 1000)}`,
    '',
  ].join('\n');
}

function labels({ mountPoint, source, fsType, state }: WatchedFileSystem): string {
  const pairs = { mountpoint: mountPoint, device: source, fstype: fsType, state };
  return Object.entries(pairs)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',');
}

/** Label values know three escapes; other control characters are no text. */
function escaped(value: string): string {
  return value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replace(/\p{Cc}/gu, '?');
}
