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
    ...told.map(
      ({ event, by, errors }) =>
        `notified (${event}) by ${by ?? 'no channel'}${errors.map(({ channel, reason }) => `; ${channel}: ${reason}`).join('')}`,
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
