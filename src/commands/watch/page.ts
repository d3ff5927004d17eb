import { cleanText } from '../../guest/clean-text.ts';
import { columns, type Style, style } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { isAlarm } from '../../watch/condition.ts';
import type { WatchedFileSystem, WatchResult, WatchVerdict } from '../../watch/document.ts';

/** What each result means, and its colour. */
const MEANING: Readonly<Record<WatchVerdict, readonly [Style, string]>> = {
  ok: ['green', 'every file system is fine'],
  warning: ['yellow', 'ERRORS: a file system has met errors and is still written to'],
  alarm: ['red', 'ALARM: a file system that should be writable cannot be written'],
};

/** The worst first; the intended read-only ones last, with why they are no alarm. */
export function watchPage({ result, fileSystems, told }: WatchResult): string {
  const [colour, meaning] = MEANING[result];
  const order = fileSystems.toSorted((a, b) => rank(a) - rank(b));
  return [
    style(colour, style('bold', meaning)),
    '',
    columns(order.map((one) => [one.mountPoint, summary(one)])),
    ...order.flatMap(reasons),
    ...told.map(({ event, by, errors }) =>
      printable(
        `notified (${event}) by ${by ?? 'no channel'}${errors.map(({ channel, reason }) => `; ${channel}: ${reason}`).join('')}`,
      ),
    ),
  ].join('\n');
}

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

/** As the Monitoring Plugins' guidelines have it. */
export const NAGIOS_STATUS = { ok: 0, warning: 1, alarm: 2, unknown: 3 } as const;

const WORD: Readonly<Record<WatchVerdict, string>> = { ok: 'OK', warning: 'WARNING', alarm: 'CRITICAL' };
const LONGEST = 300;

/** The plugin's line with its performance data after the bar. */
export function nagiosLine({ result, fileSystems }: WatchResult): string {
  const alarms = fileSystems.filter(({ state }) => isAlarm(state));
  const warnings = fileSystems.filter(({ state }) => state === 'errors');
  const found = [...alarms, ...warnings].map(brief).join(', ');
  const text = found === '' ? `${fileSystems.length} file systems are fine` : found;
  const data = `read_only=${alarms.length};;0;0 errors=${warnings.length};0;;0 file_systems=${fileSystems.length};;;0`;
  // A bar in a name would begin the performance data.
  return `MPTFIX ${WORD[result]} - ${cleanText(text, LONGEST).replaceAll('|', '/')} | ${data}`;
}

function brief({ mountPoint, source, state, since }: WatchedFileSystem): string {
  return `${mountPoint} (${source}) ${state}${since === null ? '' : ` since ${since}`}`;
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
