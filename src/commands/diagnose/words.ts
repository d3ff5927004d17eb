import type { Diagnosis, Verdict } from '../../diagnose/incident.ts';
import type { Repair } from '../../kernel-log/repair.ts';
import type { Style } from '../../ui/output.ts';

/** What each cause means, in one line, and its colour. */
export const CAUSE: Readonly<Record<Verdict['cause'], readonly [Style, string]>> = {
  'this-bug': ['red', 'THE DRIVER’S BUG: it turned the storage’s BUSY into an I/O error'],
  'window-used-up': [
    'yellow',
    'STORAGE AWAY TOO LONG: the kernel retried until its time limit; the driver is not to blame',
  ],
  other: ['bold', 'ANOTHER CAUSE: not a driver that turns BUSY into an error'],
  timeouts: ['bold', 'TIMEOUTS: commands ran out of time and were aborted or reset; no result shows BUSY'],
  'cause-not-told': ['yellow', 'CAUSE NOT TOLD: there were errors, but the log does not show why'],
};

/** What the verdict on all logs means that has no incident. */
export const NO_INCIDENT: Readonly<
  Record<Exclude<Diagnosis['verdict'], Verdict['cause']>, readonly [Style, string]>
> = {
  none: ['green', 'no path failure, I/O error or aborted journal in these logs'],
  'cannot-tell': ['yellow', 'CANNOT TELL: no failure was found, but not everything was seen'],
};

export const HYPERVISOR = 'A HYPERVISOR’S LOG: this happened below the guests';

const count = (lines: number): string => (lines === 1 ? '1 line' : `${lines} lines`);

/** What was mended in a log before it was read. */
export const REPAIRED: Readonly<Record<Repair['kind'], (lines: number) => string>> = {
  encoding: () => 'mended: its encoding (UTF-16, or a byte order mark)',
  colours: (lines) => `mended: a terminal’s colours, in ${count(lines)}`,
  entities: (lines) => `mended: what HTML or a mail’s source escapes, in ${count(lines)}`,
  'white-space': (lines) => `mended: no-break spaces and the like, in ${count(lines)}`,
  typography: (lines) => `mended: curly quotation marks and long dashes, in ${count(lines)}`,
  quoting: (lines) => `mended: the quotation marks of a mail, in ${count(lines)}`,
  'file-prefix': (lines) => `mended: file names and line numbers in front, in ${count(lines)}`,
  wrapped: (lines) => `mended: ${count(lines)} that were broken within a message, joined`,
};
