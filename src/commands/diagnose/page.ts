import type {
  DeviceMapperHit,
  DiskHit,
  FileSystemHit,
  Incident,
  TimelineEntry,
  Verdict,
} from '../../diagnose/incident.ts';
import type { CauseName } from '../../kernel-log/cause.ts';
import type { Effect } from '../../kernel-log/signature.ts';
import { typed } from '../../typed.ts';
import { columns, indent, style } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import type { DiagnoseResult } from './document.ts';

const CAUSE: Readonly<Record<CauseName, string>> = {
  'this-bug': 'THE DRIVER’S BUG: it turned the storage’s BUSY into an I/O error',
  'window-used-up':
    'STORAGE AWAY TOO LONG: the kernel retried until its time limit; the driver is not to blame',
  other: 'ANOTHER CAUSE: not a driver that turns BUSY into an error',
};

const COLOUR = { 'this-bug': 'red', 'window-used-up': 'yellow', other: 'bold' } as const;

/** What to do next, by the cause. */
const NEXT: Readonly<Record<CauseName, () => string>> = {
  'this-bug': () =>
    `${typed('check')} shows whether this guest’s driver still has the branch, ${typed('plan')} what would be done`,
  'window-used-up': () => `${typed('harden')} shows the SCSI timeouts, and how long the guest survives BUSY`,
  other: () => 'check the storage, its paths and the hypervisor’s log of that time',
};

const EFFECT: Readonly<Record<Effect, string>> = {
  'journal-aborted': 'journal aborted: read-only until it is mounted again',
  'read-only': 'remounted read-only',
  shutdown: 'shut down',
  error: 'had errors',
};

export function diagnosePage(result: DiagnoseResult): string {
  const { incidents, older, recordedErrors } = result;
  const blocks = incidents.map((incident, index) => incidentBlock(incident, index + 1));
  if (older !== null)
    blocks.unshift(
      `${older.count} earlier incidents, ${older.start ?? '?'} to ${older.end ?? '?'}, are not shown`,
    );
  if (incidents.length === 0)
    blocks.push(style('green', 'no path failure, I/O error or aborted journal in these logs'));
  if (recordedErrors.length > 0) {
    const rows = recordedErrors.map(({ device, count, firstError, lastError }): [string, string] => [
      printable(device),
      `${count ?? '?'} errors since the last fsck, first ${firstError ?? '?'}, last ${lastError ?? '?'}`,
    ]);
    blocks.push(['recorded in superblocks', indent(columns(rows), 3)].join('\n'));
  }
  const causes = new Set(incidents.map(({ verdict }) => verdict.cause));
  const next = (Object.keys(NEXT) as CauseName[])
    .filter((cause) => causes.has(cause))
    .map((cause) => NEXT[cause]());
  if (next.length > 0) blocks.push(['next', indent(next.join('\n'), 3)].join('\n'));
  return blocks.join('\n\n');
}

function incidentBlock(incident: Incident, number: number): string {
  const { verdict, host, disks, deviceMapper, fileSystems, timeline, timelineCut, messages } = incident;
  const rows: [string, string][] = [['when', when(incident)]];
  if (host !== null) rows.push(['host', printable(host)]);
  for (const disk of disks) rows.push(['disk', diskText(disk, disks.length > 1)]);
  for (const hit of deviceMapper) rows.push(['device mapper', mapperText(hit)]);
  for (const hit of fileSystems) rows.push(['file system', fileSystemText(hit)]);
  rows.push(['messages', String(messages)]);
  if (incident.reported)
    rows.push([
      'reported',
      'nothing shows that the kernel wrote this: in a text file, users may write the same',
    ]);
  return [
    style(COLOUR[verdict.cause], `${number}. ${verdictText(verdict)}`),
    indent(columns(rows), 3),
    indent(['because', ...verdict.evidence.map((one) => `  ${printable(one)}`)].join('\n'), 3),
    indent(['timeline', ...timeline.map((entry) => `  ${entryText(entry)}`)].join('\n'), 3),
    ...(timelineCut > 0 ? [indent(`  ${timelineCut} more messages are counted, but not shown`, 3)] : []),
  ].join('\n');
}

function verdictText({ cause, certainty }: Verdict): string {
  return certainty === 'likely' && cause !== 'other' ? `likely ${CAUSE[cause]}` : CAUSE[cause];
}

function when({ start, end, seconds, timeline }: Incident): string {
  if (start !== null) return start === end ? start : `${start} to ${end ?? '?'} (${seconds ?? '?'} s)`;
  const kernel = timeline[0]?.kernelSeconds;
  return typeof kernel === 'number'
    ? `${kernel.toFixed(1)} s after the kernel’s start (the log has no date)`
    : 'not known: the log has no times';
}

function diskText({ name, address, lun, errors, results, verdict }: DiskHit, many: boolean): string {
  const where = address === null ? '' : ` at ${address} (LUN ${lun})`;
  const codes =
    results.length === 0
      ? ''
      : `; ${results.map(({ text, count }) => `${count}× ${text.split(':')[0]}`).join(', ')}`;
  return printable(
    `${name ?? '(name not known)'}${where}: ${errors} I/O errors${codes}${many ? ` [${verdict.cause}]` : ''}`,
  );
}

function mapperText({ device, name, on }: DeviceMapperHit): string {
  return printable(
    `${device}${name === null ? '' : ` = ${name}`}${on.length === 0 ? '' : ` on ${on.join(', ')}`}`,
  );
}

function fileSystemText({ device, mountPoint, effect }: FileSystemHit): string {
  return printable(
    `${device ?? '(not named in the messages)'}${mountPoint === null ? '' : ` on ${mountPoint}`}: ${EFFECT[effect]}`,
  );
}

function entryText({ first, last, kernelSeconds, count, text }: TimelineEntry): string {
  const time = first ?? (kernelSeconds === null ? '' : `[${kernelSeconds.toFixed(6)}]`);
  const times = count === 1 ? '' : ` (${count}×${last === null || last === first ? '' : `, last ${last}`})`;
  return `${time} ${printable(text)}${times}`.trimStart();
}
