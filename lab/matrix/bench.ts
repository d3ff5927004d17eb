import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolders } from '../../src/machine/folders.ts';
import { type ReadyKernel, readyKernel } from '../kernels/store.ts';
import { KERNELS } from '../kernels/table.ts';
import type { Lab } from '../part.ts';
import type { TrialRecord, TrialRow } from '../trial/record.ts';
import { runTrial } from '../trial/trial.ts';
import { keepRecord, keptRecord, recordPath } from './records.ts';
import type { Bench } from './run.ts';

export interface BenchSettings {
  readonly kernels: string;
  readonly records: string;
  /** Runs every trial, whatever records there are. */
  readonly again: boolean;
  /** Each driver in the other's place: the lab has to notice. */
  readonly swap: boolean;
}

/** The real thing: kernels of the store, and a virtual machine for each trial. */
export function openBench(lab: Lab, settings: BenchSettings): Omit<Bench, 'over'> {
  const kernels = kernelsOf(lab, settings);
  const trials = lab.workspace.at('trials');
  let begun = 0;
  return {
    kept: async (row) => {
      if (settings.again) return undefined;
      const record = await keptRecord(settings.records, row);
      if (record === undefined) return undefined;
      return isOf(await kernels(row.kernel), record) ? record : undefined;
    },
    run: async (row) => {
      const kernel = await kernels(row.kernel);
      await mkdir(trials, { recursive: true });
      begun += 1;
      // A short name: the path of a socket below it may have some hundred characters.
      const folder = join(trials, String(begun));
      const record = await trial(lab, row, kernel, { ...settings, folder });
      await keepRecord(lab.workspace.machine, settings.records, record);
      return record;
    },
  };
}

/** Each kernel is made ready once, one after the other: compiling takes every core anyway. */
function kernelsOf(lab: Lab, { kernels, swap }: BenchSettings): (name: string) => Promise<ReadyKernel> {
  const made = new Map<string, Promise<ReadyKernel>>();
  let last: Promise<unknown> = Promise.resolve();
  const make = async (name: string): Promise<ReadyKernel> => {
    const kernel = KERNELS.find((one) => one.name === name);
    if (kernel === undefined) throw new Error(`the lab has no kernel ${name}`);
    const ready = await readyKernel(lab, kernels, kernel);
    return swap ? { ...ready, affected: ready.patched, patched: ready.affected } : ready;
  };
  return (name) => {
    const before = last;
    const one = made.get(name) ?? before.then(() => make(name));
    if (!made.has(name)) {
      made.set(name, one);
      last = one.catch(() => undefined);
    }
    return one;
  };
}

/** A record of an older kernel, or of a module that was built from another source, is none of this one. */
function isOf(kernel: ReadyKernel, { packageVersion, srcversion, row }: TrialRecord): boolean {
  return packageVersion === kernel.packageVersion && srcversion === kernel[row.driver];
}

async function trial(
  lab: Lab,
  row: TrialRow,
  kernel: ReadyKernel,
  { records, swap, folder }: BenchSettings & { readonly folder: string },
): Promise<TrialRecord> {
  const { machine } = lab.workspace;
  const path = recordPath(records, row);
  const isPatched = (row.driver === 'patched') !== swap;
  try {
    return await runTrial(
      { machine, folder, signal: lab.signal },
      {
        row,
        guest: kernel.guest,
        release: kernel.release,
        packageVersion: kernel.packageVersion,
        vmlinuz: kernel.vmlinuz,
        qemu: kernel.qemu,
        ...(isPatched ? { driver: kernel.patchedModule } : {}),
        ...(kernel.busybox === undefined ? {} : { busybox: kernel.busybox }),
      },
    );
  } finally {
    await keepLog(lab, join(folder, 'console.log'), `${path.slice(0, -'.json'.length)}.log`);
    await rm(folder, { recursive: true, force: true });
  }
}

/** The guest's console is kept beside the record, also where there is none: it tells why. */
async function keepLog(lab: Lab, from: string, to: string): Promise<void> {
  const { machine } = lab.workspace;
  await makeFolders(machine, dirname(to));
  // That of an earlier trial would tell of something else.
  await rm(to, { force: true });
  await machine.run(['cp', '--', from, to], { effect: 'write' });
}
