import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Document } from '../../src/document.ts';
import type { Target } from '../../src/machine/port.ts';

const FILE = 'machine.json';

const machineSchema = v.strictObject({
  format: v.literal(1),
  /** What the system calls itself. */
  system: v.string(),
  cores: v.number(),
  processor: v.string(),
  memoryGB: v.number(),
  /** Trials side by side. */
  jobs: v.number(),
  tgt: v.string(),
});
/** The machine that ran the trials. */
export type LabMachine = Document<typeof machineSchema>;

export async function thisMachine(machine: Target, jobs: number): Promise<LabMachine> {
  const release = (await machine.readText('/etc/os-release', 65_536)) ?? '';
  const { stdout } = await machine.run(['tgtadm', '--version'], { effect: 'read' });
  return {
    format: 1,
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? 'Linux',
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? '',
    memoryGB: Math.round(totalmem() / 2 ** 30),
    jobs,
    tgt: stdout.toString('utf8').trim(),
  };
}

/** Beside the records, for the report. */
export async function keepMachine(machine: Target, records: string, about: LabMachine): Promise<void> {
  await machine.write(join(records, FILE), `${JSON.stringify(about, undefined, 2)}\n`);
}

/** Undefined where none is kept there. */
export async function keptMachine(records: string): Promise<LabMachine | undefined> {
  const text = await readFile(join(records, FILE), 'utf8').catch(() => '');
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), machineSchema), text);
  return parsed.success ? parsed.output : undefined;
}
