import { expect } from 'vitest';
import { json } from '../helpers/cli.ts';
import type { PrivateMachine } from '../helpers/private-machine.ts';

/** What `recover --json` says of one mount point. */
export async function stateAt(machine: PrivateMachine, mountPoint: string) {
  const run = await machine.mptfix(['recover', mountPoint, '--json']);
  expect([run.status, run.stderr]).toEqual([0, '']);
  return json(run).fileSystems[0];
}

export async function apply(machine: PrivateMachine, mountPoint: string, ...more: readonly string[]) {
  return machine.mptfix(['recover', mountPoint, '--apply', '--yes', '--json', ...more]);
}

export function details(report: { readonly evidence: readonly { bad: boolean; detail: string }[] }): string {
  return report.evidence.flatMap(({ bad, detail }) => (bad ? [detail] : [])).join('\n');
}

export function actions(report: {
  readonly steps: readonly { readonly action?: string }[];
}): readonly string[] {
  return report.steps.map(({ action }) => action ?? 'by hand');
}

export const trigger = (machine: PrivateMachine, name: string): string =>
  machine.sh('echo 1 > "/sys/fs/ext4/$1/trigger_fs_error"', name);
