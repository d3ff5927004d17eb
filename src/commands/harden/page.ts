import { typed } from '../../typed.ts';
import { columns, indent, style } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import type { HardenResult } from './document.ts';

const TITLES: Readonly<Record<HardenResult['result'], () => string>> = {
  shown: () =>
    `error policies and timeouts; to set them: ${typed('harden', ['--apply', 'errors=remount-ro', 'timeout=180'])}`,
  planned: () => 'would be changed:',
  applied: () => 'changed:',
  undone: () => 'put back as it was:',
  'nothing-to-do': () => 'nothing to do: everything is as requested',
};

export function hardenPage(result: HardenResult): string {
  const { fileSystems, disks, rules } = result;
  return [
    ...section('file systems', fileSystems.map(policyRow)),
    ...section('disks', disks.map(diskRow)),
    ...section(
      'udev rules that set a timeout',
      rules.map(
        ({ path, owner, seconds }) =>
          [printable(path), `${owner}, ${seconds ?? 'an unknown number of'} s`] as const,
      ),
    ),
    ...result.advice.map((advice) => `advice: ${printable(advice)}`),
    ...result.notes.map((note) => `note: ${printable(note)}`),
    ...(result.advice.length + result.notes.length > 0 ? [''] : []),
    style(result.result === 'planned' ? 'bold' : 'green', TITLES[result.result]()),
    ...result.changes.map((change) => `  ${printable(change)}`),
    ...(result.undoFolder === null
      ? []
      : [`undo: ${typed('harden', ['--undo'])} (kept in ${result.undoFolder})`]),
  ].join('\n');
}

function section(title: string, rows: readonly (readonly [string, string])[]): readonly string[] {
  if (rows.length === 0) return [];
  return [`${title}:`, indent(columns(rows), 2), ''];
}

function policyRow(one: HardenResult['fileSystems'][number]): readonly [string, string] {
  const parts = [
    `${one.type} on ${one.device}`,
    `superblock ${one.superblock ?? '-'}`,
    `fstab ${one.fstabOption ?? '-'}`,
    `mounted ${one.mountOption ?? '-'}`,
    `in force ${one.effective ?? '-'}`,
  ];
  return [printable(one.mountPoint ?? one.device), printable(parts.join(', '))];
}

function diskRow(disk: HardenResult['disks'][number]): readonly [string, string] {
  const timeout = disk.timeoutSeconds === null ? 'no timeout' : `timeout ${disk.timeoutSeconds} s`;
  const window =
    disk.survives === null
      ? 'survival of BUSY not known'
      : disk.survives === 'unbounded'
        ? 'outlasts any BUSY'
        : `outlasts ${disk.survives} s of BUSY`;
  return [
    disk.name,
    printable(
      `${disk.bus}, ${disk.driver ?? 'unknown driver'}, ${timeout}, ${disk.bus === 'scsi' ? window : 'no SCSI layer'}`,
    ),
  ];
}
