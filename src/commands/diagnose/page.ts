import type { Diagnosis, LogRead, Verdict } from '../../diagnose/incident.ts';
import { notRead } from '../../diagnose/looked.ts';
import { typed } from '../../typed.ts';
import { columns, indent, style } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import type { DiagnoseResult } from './document.ts';
import { incidentBlock } from './incident-block.ts';
import { NO_INCIDENT, REPAIRED } from './words.ts';

/** What `diagnose` prints for a person. */
export function diagnosePage(result: DiagnoseResult): string {
  const { incidents, older, recordedErrors } = result;
  const blocks = incidents.map((incident, index) => incidentBlock(incident, index + 1));
  if (older !== null)
    blocks.unshift(
      `${older.count} earlier incidents, ${older.start ?? '?'} to ${older.end ?? '?'}, are not shown`,
    );
  if (incidents.length === 0) blocks.push(noIncident(result));
  if (recordedErrors.length > 0) {
    const rows = recordedErrors.map(({ device, count, firstError, lastError }): [string, string] => [
      printable(device),
      `${count ?? '?'} errors since the last fsck, first ${firstError ?? '?'}, last ${lastError ?? '?'}`,
    ]);
    blocks.push(['recorded in superblocks', indent(columns(rows), 3)].join('\n'));
  }
  blocks.push(lookedBlock(result));
  const next = nextSteps(result);
  if (next.length > 0) blocks.push(['next', indent(next.join('\n'), 3)].join('\n'));
  return blocks.join('\n\n');
}

function noIncident({ verdict, cannotTell }: Pick<Diagnosis, 'verdict' | 'cannotTell'>): string {
  const [colour, text] = NO_INCIDENT[verdict === 'cannot-tell' ? 'cannot-tell' : 'none'];
  return [style(colour, text), ...cannotTell.map((reason) => indent(printable(reason), 3))].join('\n');
}

/** What the answer was made from: without it, nobody knows what "no failure" is worth. */
function lookedBlock({ logs, looked, unread, leftOut, noIncident: alone }: DiagnoseResult): string {
  const strays = Object.entries(alone).map(([id, count]) => `${count}× ${id}`);
  const rows = logs.map((log): [string, string] => [printable(log.name), readText(log)]);
  if (logs.length > 1) rows.push(['together', readText(looked)]);
  return [
    'looked at',
    ...(rows.length === 0 ? [] : [indent(columns(rows), 3)]),
    ...looked.repairs.map(({ kind, lines }) => indent(REPAIRED[kind](lines), 3)),
    ...unread.map((problem) => indent(printable(notRead(problem)), 3)),
    ...(strays.length > 0
      ? [indent(printable(`also seen, alone no incident: ${strays.join(', ')}`), 3)]
      : []),
    ...(leftOut > 0 ? [indent(`${leftOut} messages are left out by --since or --until`, 3)] : []),
  ].join('\n');
}

function readText({
  lines,
  kernelLines,
  hypervisorLines,
  first,
  last,
}: Omit<LogRead, 'name' | 'repairs'>): string {
  const below = hypervisorLines > 0 ? `, ${hypervisorLines} of a hypervisor` : '';
  const counts = `${lines} ${lines === 1 ? 'line' : 'lines'}, ${kernelLines} of the kernel${below}`;
  if (first === null) return kernelLines === 0 ? counts : `${counts}, without times`;
  return first === last ? `${counts}, at ${first}` : `${counts}, ${first} to ${last ?? '?'}`;
}

/** What to do next, by the causes that were found. Of files it is not known whose they are: the commands are for that guest. */
export function nextSteps({
  verdict,
  incidents,
  target,
}: Pick<DiagnoseResult, 'verdict' | 'incidents' | 'target'>): readonly string[] {
  const there = target === null ? 'on the guest whose log this is: ' : '';
  const steps: Readonly<Record<Verdict['cause'], () => string>> = {
    'this-bug': () =>
      `${there}${typed('check')} shows whether the driver still has the branch, ${typed('plan')} what would be done`,
    'window-used-up': () =>
      `${there}${typed('harden')} shows the SCSI timeouts, and how long the guest survives BUSY`,
    other: () => 'check the storage, its paths and the hypervisor’s log of that time',
    timeouts: () =>
      'look at the storage and its paths at that time: commands got no answer, which the driver’s bug does not cause',
    'cause-not-told': () =>
      `look for the line before the first error (“SCSI error: return code = …”): in older logs, on the console or a log server; ${there}${typed('check')} tells whether the driver has the bug`,
  };
  const guests = incidents.filter(({ hypervisor }) => !hypervisor);
  const causes = new Set(guests.map((one) => one.verdict.cause));
  const found = Object.entries(steps)
    .filter(([cause]) => causes.has(cause as Verdict['cause']))
    .map(([, text]) => text());
  if (guests.length < incidents.length)
    found.push(`on the guests of this hypervisor: ${typed('diagnose')} tells what each of them saw`);
  if (verdict === 'cannot-tell')
    found.push(`run it as root, or name a log with kernel messages: ${typed('diagnose', ['FILE'])}`);
  return found;
}
