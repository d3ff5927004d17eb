import { isAlarm } from '../../watch/condition.ts';
import type { WatchedFileSystem, WatchResult } from './document.ts';

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
