import { cleanText } from '../../guest/clean-text.ts';
import { isAlarm } from '../../watch/condition.ts';
import type { WatchedFileSystem, WatchResult, WatchVerdict } from './document.ts';

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
