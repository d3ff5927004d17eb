import type {
  DeviceMapperHit,
  DiskHit,
  FileSystemHit,
  Incident,
  TimelineEntry,
  Verdict,
} from '../../diagnose/incident.ts';
import type { Effect } from '../../kernel-log/signature.ts';
import { columns, indent, style } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { CAUSE, HYPERVISOR } from './words.ts';

const EFFECT: Readonly<Record<Effect, string>> = {
  'journal-aborted': 'journal aborted: read-only until it is mounted again',
  'read-only': 'remounted read-only',
  shutdown: 'shut down',
  error: 'had errors',
};

/** Everything about one incident. */
export function incidentBlock(incident: Incident, number: number): string {
  const { verdict, doubts, timeline, timelineCut } = incident;
  const [colour] = CAUSE[verdict.cause];
  return [
    style(colour, `${number}. ${title(incident)}`),
    indent(columns(rows(incident)), 3),
    list('because', verdict.evidence),
    ...(doubts.length === 0 ? [] : [list('the message that tells the cause may be missing', doubts)]),
    indent(['timeline', ...timeline.map((entry) => `  ${entryText(entry)}`)].join('\n'), 3),
    ...(timelineCut > 0 ? [indent(`  ${timelineCut} more messages are counted, but not shown`, 3)] : []),
  ].join('\n');
}

function list(title: string, lines: readonly string[]): string {
  return indent([title, ...lines.map((one) => `  ${printable(one)}`)].join('\n'), 3);
}

function rows(incident: Incident): readonly (readonly [string, string])[] {
  const { host, kernel, adapters, disks, deviceMapper, fileSystems, volumes, messages, reported } = incident;
  const all: [string, string][] = [['when', when(incident)]];
  if (host !== null) all.push(['host', printable(host)]);
  if (kernel !== null) all.push(['kernel', printable(kernelText(kernel))]);
  if (adapters.length > 0) all.push(['adapters', printable(adapters.join(', '))]);
  for (const disk of disks) all.push(['disk', diskText(disk, disks.length > 1)]);
  for (const hit of deviceMapper) all.push(['device mapper', mapperText(hit)]);
  for (const hit of fileSystems) all.push(['file system', fileSystemText(hit)]);
  for (const volume of volumes) all.push(['volume', printable(volume)]);
  all.push(['messages', String(messages)]);
  if (reported)
    all.push([
      'reported',
      'nothing shows that the kernel wrote this: in a text file, users may write the same',
    ]);
  return all;
}

function title({ verdict, hypervisor }: Incident): string {
  return hypervisor ? HYPERVISOR : verdictText(verdict);
}

function verdictText({ cause, certainty }: Verdict): string {
  const [, text] = CAUSE[cause];
  const isGuess = certainty === 'likely' && (cause === 'this-bug' || cause === 'window-used-up');
  return isGuess ? `likely ${text}` : text;
}

const SAID: Readonly<Record<NonNullable<Incident['kernel']>['said'], string>> = {
  log: 'says the log',
  option: 'by --kernel',
  later: 'the log names it later; it may have been another then',
  guest: 'the guest’s present one; it may have had another then',
};

function kernelText({ release, said, detail }: NonNullable<Incident['kernel']>): string {
  return `${release} (${SAID[said]}): ${detail}`;
}

/** The time of an incident, as far as the log has one. */
function when({
  start,
  end,
  seconds,
  firstLogged,
  lastLogged,
  timeline,
}: Pick<Incident, 'start' | 'end' | 'seconds' | 'firstLogged' | 'lastLogged' | 'timeline'>): string {
  const logged = printable(span(firstLogged, lastLogged) ?? '');
  const utc = start === end ? span(start, null) : `${start} to ${end ?? '?'} (${seconds ?? '?'} s)`;
  if (start !== null) return logged === '' ? `${utc}` : `${utc}; in the log: ${logged}`;
  if (logged !== '') return `${logged} (a date that cannot be read)`;
  const kernel = timeline[0]?.kernelSeconds;
  return typeof kernel === 'number'
    ? `${kernel.toFixed(1)} s after the kernel’s start (the log has no date)`
    : 'not known: the log has no times';
}

function span(first: string | null, last: string | null): string | null {
  return last === null || last === first ? first : `${first} to ${last}`;
}

function diskText({ name, address, lun, errors, results, verdict }: DiskHit, many: boolean): string {
  const where = address === null ? '' : ` at ${address} (LUN ${lun})`;
  const codes =
    results.length === 0
      ? ''
      : `; ${results.map(({ text, count }) => `${count}× ${text.split(/[:;]/)[0]}`).join(', ')}`;
  return printable(
    `${name ?? '(name not known)'}${where}: ${errors} I/O errors${codes}${many ? ` [${verdict.cause}]` : ''}`,
  );
}

function mapperText({ device, name, on }: DeviceMapperHit): string {
  return printable(
    `${device}${name === null ? '' : ` = ${name}`}${on.length === 0 ? '' : ` on ${on.join(', ')}`}`,
  );
}

/** What a person calls it: its device, and where it is mounted. */
export function fileSystemName({ device, mountPoint }: FileSystemHit): string {
  return `${device ?? '(not named in the messages)'}${mountPoint === null ? '' : ` on ${mountPoint}`}`;
}

function fileSystemText(hit: FileSystemHit): string {
  return printable(`${fileSystemName(hit)}: ${EFFECT[hit.effect]}`);
}

function entryText({ first, last, logged, kernelSeconds, count, text }: TimelineEntry): string {
  const time =
    (logged === null ? first : printable(logged)) ??
    (kernelSeconds === null ? '' : `[${kernelSeconds.toFixed(6)}]`);
  const times = count === 1 ? '' : ` (${count}×${last === null || last === first ? '' : `, last ${last}`})`;
  return `${time} ${printable(text)}${times}`.trimStart();
}
