import type { Incident } from '../../diagnose/incident.ts';
import type { DiagnoseResult } from './document.ts';
import { fileSystemName } from './incident-block.ts';

export const SUMMARY_HEADS = ['verdict', 'when', 'host', 'disks', 'file systems', 'lines'] as const;

/** The rows of one guest, after its name: one for each incident, the worst one alone unless `each`; one where there is none. */
export function summaryRows(result: DiagnoseResult, each: boolean): readonly (readonly string[])[] {
  const { incidents, older, verdict, looked, cannotTell } = result;
  const lines = `${looked.kernelLines} of ${looked.lines}`;
  const worst = incidents.findLast((one) => one.verdict.cause === verdict);
  if (worst === undefined) return [[verdict, cannotTell[0] ?? '-', '-', '-', '-', lines]];
  const shown = each ? incidents : [worst];
  const rows = shown.map((incident) => row(incident, lines));
  const hidden = (each ? 0 : incidents.length - 1) + (older?.count ?? 0);
  return hidden === 0 ? rows : [...rows, [`and ${hidden} more`]];
}

function row(incident: Incident, lines: string): readonly string[] {
  const { verdict, host, disks, volumes, fileSystems } = incident;
  const likely = verdict.certainty === 'likely' && verdict.cause !== 'timeouts' ? ' (likely)' : '';
  const names = [...disks.map(({ name, address }) => name ?? address ?? '?'), ...volumes];
  return [
    `${verdict.cause}${likely}`,
    begin(incident),
    host ?? '-',
    listed(names),
    listed(fileSystems.map((hit) => `${fileSystemName(hit)} ${hit.effect}`)),
    lines,
  ];
}

/** When it began; where the log has no date, in seconds after the kernel's start. */
function begin({ start, timeline }: Incident): string {
  const seconds = timeline[0]?.kernelSeconds;
  return start ?? (typeof seconds === 'number' ? `+${seconds.toFixed(1)} s` : '-');
}

/** A storage that fails hits many disks: the first few, and how many more. */
function listed(names: readonly string[]): string {
  const few = names.slice(0, 3).join(', ');
  if (names.length === 0) return '-';
  return names.length > 3 ? `${few} and ${names.length - 3} more` : few;
}
