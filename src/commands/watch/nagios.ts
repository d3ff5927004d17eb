import { cleanText } from '../../guest/clean-text.ts';
import { isAlarm } from '../../watch/condition.ts';
import type { WatchedFileSystem, WatchResult, WatchVerdict } from '../../watch/document.ts';

/** As the Monitoring Plugins' guidelines have it. */
export const NAGIOS_STATUS = { ok: 0, warning: 1, alarm: 2, unknown: 3 } as const;

const WORD: Readonly<Record<WatchVerdict, string>> = { ok: 'OK', warning: 'WARNING', alarm: 'CRITICAL' };
const LONGEST = 300;

/** The plugin's line with its performance data after the bar. */
export function nagiosLine(watched: WatchResult): string {
  const { result, fileSystems, untold, configuration } = watched;
  const alarms = fileSystems.filter(({ state }) => isAlarm(state));
  const warnings = fileSystems.filter(({ state }) => state === 'errors');
  const found = [...alarms, ...warnings].map(brief).join(', ');
  const text = [
    found === '' ? `${fileSystems.length} file systems are fine` : found,
    ...(configuration === null ? [] : [configuration.what]),
    ...(untold.length === 0 ? [] : ['nobody was told yet']),
  ].join('; ');
  const data = `read_only=${alarms.length};;0;0 errors=${warnings.length};0;;0 file_systems=${fileSystems.length};;;0`;
  const word = nagiosStatus(watched) === NAGIOS_STATUS.unknown ? 'UNKNOWN' : WORD[result];
  return `MPTFIX ${word} - ${plain(text)} | ${data}`;
}

/** Of a look that found nothing wrong, but would tell nobody if it had, nothing good can be said. */
export function nagiosStatus({ result, configuration }: WatchResult): number {
  return result === 'ok' && configuration !== null ? NAGIOS_STATUS.unknown : NAGIOS_STATUS[result];
}

/** Whether a command line asks for a plugin's line and status, also where the rest of it is wrong. */
export function isPlugin([command, part, ...words]: readonly string[]): boolean {
  return command === 'watch' && part === 'once' && words.includes('--nagios');
}

/** The line where there was no look. */
export function nagiosUnknown(what: string): string {
  return `MPTFIX UNKNOWN - ${plain(what)}`;
}

/** A bar would begin the performance data. */
function plain(text: string): string {
  return cleanText(text, LONGEST).replaceAll('|', '/');
}

function brief({ mountPoint, source, state, since }: WatchedFileSystem): string {
  return `${mountPoint} (${source}) ${state}${since === null ? '' : ` since ${since}`}`;
}
