import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { failure } from '../../src/errors.ts';
import { say } from '../../src/ui/output.ts';
import type { Lab, OptionValues, Part, Shown } from '../part.ts';
import { systemdPart } from '../systemd/part.ts';
import { cutPower } from './cut.ts';
import { makeGuest } from './guest.ts';
import { page } from './page.ts';
import { type Guest, machinesOf } from './prepare.ts';
import { seeded } from './random.ts';
import { type CutRecord, keep, kept } from './record.ts';
import { type Cut, drawCuts } from './ways.ts';

/** The one of the run that docs/lab.md tells of. */
const SEED = 17;

/** A whole guest that loses its power in the middle of mptfix apply and rollback, and boots again. */
export const powerPart: Part = {
  title: 'power: a Debian guest that loses its power at 20 moments of apply and 10 of rollback',
  needs: [...systemdPart.needs, ['debugfs', 'e2fsprogs']],
  options: {
    seed: { type: 'string' },
    only: { type: 'string', multiple: true },
    records: { type: 'string' },
  },
  onlyByName: true,
  limitMinutes: 240,
  run,
};

async function run(lab: Lab, options: OptionValues): Promise<Shown> {
  const { workspace, signal } = lab;
  const { machine } = workspace;
  const seed = numberOf(options.seed ?? String(SEED), '--seed');
  const cuts = chosen(drawCuts(seeded(seed)), options.only);
  const records = resolve(String(options.records ?? join(lab.base, 'mptfix-lab-power')));
  await mkdir(records, { recursive: true });
  say(`seed ${seed}; a record of each cut is kept in ${records}, and is not made again`);
  const all: CutRecord[] = [];
  let guest: Promise<Guest> | undefined;
  let machines: ReturnType<typeof machinesOf> | undefined;
  for (const cut of inTurn(cuts)) {
    const known = await kept(records, seed, cut);
    if (known === undefined) {
      guest ??= makeGuest(lab, join(records, 'guest'));
      const { release, drivers } = await guest;
      machines ??= machinesOf(machine, await guest);
      const shipped = await machines.shipped();
      const from = await machines.for(cut);
      const folder = workspace.at(`cut-${cut.number}`);
      const record = await cutPower(machine, from, cut, {
        runSeed: seed,
        release,
        drivers,
        shipped,
        signal,
        folder,
      });
      await keep(records, record);
      all.push(record);
    } else all.push(known);
    say(line(all.at(-1)));
  }
  const problems = all.flatMap(({ problems: found }) => found);
  const inOrder = all.toSorted((a, b) => a.cut.number - b.cut.number);
  return { page: page(inOrder, seed), asExpected: problems.length === 0 };
}

function line(record: CutRecord | undefined): string {
  if (record === undefined) return '';
  const { cut, problems, wallSeconds } = record;
  const what = problems.length === 0 ? 'nothing lost' : `NOT as expected: ${problems.join('; ')}`;
  return `cut ${cut.number}: ${cut.way}, ${cut.after} +${cut.later} ${cut.unit}, ${cut.kind}: ${what} (${wallSeconds} s)`;
}

/** One of each way after the other, so that a run that is stopped early has seen all of them. */
function inTurn(cuts: readonly Cut[]): readonly Cut[] {
  const turn = (cut: Cut): number =>
    cuts.filter(({ way, number }) => way === cut.way && number < cut.number).length;
  return cuts.toSorted((a, b) => turn(a) - turn(b) || a.number - b.number);
}

function chosen(cuts: readonly Cut[], only: OptionValues[string]): readonly Cut[] {
  if (!Array.isArray(only)) return cuts;
  const found = cuts.filter(({ number, way }) => only.includes(String(number)) || only.includes(way));
  if (found.length > 0) return found;
  throw failure(
    'E_USAGE',
    `--only ${only.join(' --only ')} chooses no cut`,
    'give numbers from 1 to 30, or commands such as bundle-rollback',
  );
}

function numberOf(text: unknown, option: string): number {
  if (typeof text === 'string' && /^\d{1,9}$/.test(text)) return Number(text);
  throw failure('E_USAGE', `${option} ${text} is no number`, `give one, such as ${option} 17`);
}
