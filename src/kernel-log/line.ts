import type { UnreadDate } from './dates.ts';
import type { LogTime } from './time.ts';

/**
 * Who wrote a line. `kernel`: the form shows that the kernel did. `multipathd`, `vmkernel` (ESX, the machine below a
 * guest), `another`: the line says so itself. Undefined: the form cannot tell, as in a text file, where `logger -t kernel` writes what the kernel does.
 */
export type Writer = 'kernel' | 'multipathd' | 'vmkernel' | 'another';

/** What comes before a kernel's message in a line of a log. */
export interface LinePrefix {
  readonly writer?: Writer | undefined;
  readonly time?: LogTime | undefined;
  /** The date and time as the line has them, with the zone if it has one. */
  readonly stamp?: string | undefined;
  /** Where the line has a date that cannot be read. */
  readonly unread?: UnreadDate | undefined;
  readonly host?: string | undefined;
  /** Seconds since the kernel started. */
  readonly kernelSeconds?: number | undefined;
  /** How often the message came, where syslogd wrote it once with a count. */
  readonly repeated?: number;
}

export interface ParsedLine {
  readonly prefix: LinePrefix;
  /** The message. */
  readonly text: string;
  /** The prefix does not begin where the line does: something unknown stands before it. */
  readonly isLater?: true;
}
