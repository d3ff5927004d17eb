import { join, resolve } from 'node:path';
import { failure } from '../../src/errors.ts';
import { say } from '../../src/ui/output.ts';
import type { Lab, OptionValues, Part, Shown } from '../part.ts';
import { makeGuest } from '../power/guest.ts';
import { powerPart } from '../power/part.ts';
import { problemsOf } from './judge.ts';
import { type Boot, FAILURE, type Tool, takeTrip } from './trip.ts';

/** What an administrator sees: apply, reboot, a path failure; rollback, reboot, a path failure. */
export const rebootPart: Part = {
  title: 'reboot: a Debian guest after apply and a reboot, and after rollback and another',
  needs: powerPart.needs,
  options: { only: { type: 'string', multiple: true }, records: { type: 'string' } },
  onlyByName: true,
  limitMinutes: 120,
  run,
};

const TOOLS: readonly Tool[] = ['mptfix', 'bundle'];

async function run(lab: Lab, { only, records }: OptionValues): Promise<Shown> {
  const tools = chosen(only);
  const { workspace } = lab;
  const folder = typeof records === 'string' ? join(resolve(records), 'guest') : workspace.at('reboot');
  const guest = await makeGuest(lab, folder);
  const rows: string[] = [];
  const problems: string[] = [];
  for (const tool of tools) {
    say(`three boots of the guest, by ${NAMES[tool]}`);
    const boots = await takeTrip(workspace.machine, guest, tool, workspace.at(`reboot-${tool}`));
    rows.push(...boots.map((boot, index) => row(tool, index, boot)));
    problems.push(...problemsOf(boots).map((problem) => `${NAMES[tool]}: ${problem}`));
  }
  return { page: page(rows, problems), asExpected: problems.length === 0 };
}

function chosen(only: OptionValues[string]): readonly Tool[] {
  if (!Array.isArray(only)) return TOOLS;
  const found = TOOLS.filter((tool) => only.includes(tool));
  if (found.length > 0) return found;
  throw failure('E_USAGE', `--only ${only.join(' --only ')} chooses nothing`, `give ${TOOLS.join(' or ')}`);
}

const NAMES: Readonly<Record<Tool, string>> = {
  mptfix: 'mptfix',
  bundle: 'the bundle, with Node moved away',
};
const BOOTS = ['as shipped', 'after apply', 'after rollback'] as const;

function row(tool: Tool, index: number, { found, writes }: Boot): string {
  const written = writes === undefined ? '–' : `${writes.done} of ${writes.done + writes.lost}`;
  const cells = [NAMES[tool], BOOTS[index], found.state, found.loaded, writes?.busyAnswers ?? '–', written];
  return `| ${cells.join(' | ')} |`;
}

function page(rows: readonly string[], problems: readonly string[]): string {
  return [
    `A whole Debian guest, booted by its own initramfs; its root disk answers BUSY for ${FAILURE.busySeconds} s.`,
    '',
    '| by | boot | status | loaded driver, by its build-id | BUSY answers | writes done |',
    '|---|---|---|---|---|---|',
    ...rows,
    ...(problems.length === 0 ? [] : ['', ...problems]),
  ].join('\n');
}
