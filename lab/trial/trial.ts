import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Needed } from '../../scripts/install-missing.ts';
import { MODULES_FOLDER } from '../../src/machine/folders.ts';
import type { Target } from '../../src/machine/port.ts';
import { mustRun } from '../../src/machine/tools.ts';
import { packageRoot } from '../../src/package-root.ts';
import { lasts } from '../failure/failures.ts';
import { openStorage, type Storage } from '../failure/storage.ts';
import { chosenModules, makeInitramfs } from '../machine/initramfs.ts';
import { ADAPTER, passThroughDisk, runMachine } from '../machine/virtual-machine.ts';
import { expected, problemsOf } from './expected.ts';
import { DISK, FILE_SYSTEM_FACTS } from './file-systems.ts';
import { type Observation, observe } from './observation.ts';
import { readBack } from './read-back.ts';
import type { TrialRecord, TrialRow } from './record.ts';

export interface TrialSettings {
  readonly row: TrialRow;
  /** A guest's tree with the kernel's modules. */
  readonly guest: string;
  readonly release: string;
  readonly packageVersion: string;
  /** Default: that of the tree's /boot. */
  readonly vmlinuz?: string | undefined;
  /** Default: x86_64. */
  readonly qemu?: 'x86_64' | 'i386' | undefined;
  /** The file of mptscsih that is loaded in the place of the tree's own. */
  readonly driver?: string | undefined;
  /** A busybox that runs on that kernel, of its architecture. Default: this machine's. */
  readonly busybox?: string | undefined;
  /** Kernel parameters that this guest needs besides. */
  readonly parameters?: string | undefined;
}

/** Where a trial runs. */
export interface TrialBench {
  readonly machine: Target;
  /** Is created; has the console's log, `console.log`, and the disk afterwards. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** The programs that a trial needs besides those of every machine of the lab. */
export const TRIAL_NEEDS: readonly Needed[] = [
  ['tgtd', 'tgt'],
  // QEMU's iSCSI driver, which is a package of its own in Debian.
  ['/usr/lib/x86_64-linux-gnu/qemu/block-iscsi.so', 'qemu-block-extra'],
  ['mkfs.ext4', 'e2fsprogs'],
  ['mkfs.xfs', 'xfsprogs'],
  ['mount', 'mount'],
  ['unshare', 'util-linux'],
];

/** The failure begins after this write. */
const BEFORE = 5;
/** The guest goes on writing for so long after the failure, in seconds: also once QEMU has found its way back. */
const AFTER = { command: 12, connection: 45 };

/**
 * One guest, one disk, one path failure. Everything that it starts has ended when it returns. Throws where the trial
 * could not be run at all; what did not go as expected is in the record.
 */
export async function runTrial(bench: TrialBench, settings: TrialSettings): Promise<TrialRecord> {
  const { machine, folder, signal } = bench;
  const { row } = settings;
  // Nobody would know what to make of the result otherwise: this throws.
  expected(row);
  await mkdir(folder);
  const started = new Date();
  const mark = `${row.kernel} ${row.fileSystem} ${row.driver} ${started.getTime()}`;
  const facts = FILE_SYSTEM_FACTS[row.fileSystem];
  const image = join(folder, 'disk');
  await mustRun(machine, ['truncate', '-s', facts.imageSize, image]);
  await mustRun(machine, [...facts.make, image]);
  const seconds = lasts(row.failure, row.seconds);
  const more = seconds + (row.failure === 'lost-connection' ? AFTER.connection : AFTER.command);
  const initramfs = await trialInitramfs(bench, settings, { mark, more });
  const storage = await openStorage(machine, folder, image);
  let seen: Observation;
  try {
    seen = await runGuest(bench, settings, { initramfs, storage, limit: 240 + 3 * more });
  } finally {
    await storage.close();
  }
  const numbers = seen.writes.filter(({ ok }) => ok).map(({ number }) => number);
  const found = await readBack(machine, folder, { image, fileSystem: row.fileSystem, mark }, numbers);
  const record = {
    format: 1,
    row,
    kernel: seen.kernel,
    packageVersion: settings.packageVersion,
    srcversion: seen.srcversion,
    ...timesOf(seen, storage),
    ioErrors: seen.ioErrors,
    readOnly: seen.readOnly,
    ...found,
    answers: storage.answers(),
    diagnose: await diagnosed(bench),
    watch: { before: seen.watches.before ?? -1, after: seen.watches.after ?? -1 },
    wallSeconds: (Date.now() - started.getTime()) / 1000,
    qemu: await qemuVersion(machine, settings.qemu),
    date: started.toISOString(),
  } as const;
  signal.throwIfAborted();
  return { ...record, problems: problemsOf(record, seen) };
}

async function trialInitramfs(
  { machine, folder }: TrialBench,
  settings: TrialSettings,
  { mark, more }: { readonly mark: string; readonly more: number },
): Promise<string> {
  const { guest, release, driver, busybox, row } = settings;
  const facts = FILE_SYSTEM_FACTS[row.fileSystem];
  const index = await readFile(join(guest, MODULES_FOLDER, release, 'modules.dep'), 'utf8');
  const script = { type: row.fileSystem, options: facts.options, before: BEFORE, more, mark };
  const lines = Object.entries(script).map(([name, value]) => `${name}='${value}'\n`);
  return makeInitramfs(machine, folder, {
    guest,
    release,
    modules: chosenModules(index, [...DISK, ...facts.modules]),
    script: join(import.meta.dirname, 'guest.sh'),
    files: { settings: lines.join('') },
    instead: driver === undefined ? undefined : { mptscsih: driver },
    busybox,
    node: false,
  });
}

/** Runs the guest until it ends, or for `limit` seconds. */
async function runGuest(
  { folder, signal }: TrialBench,
  settings: TrialSettings,
  { initramfs, storage, limit }: { initramfs: string; storage: Storage; limit: number },
): Promise<Observation> {
  const { row, guest, release } = settings;
  const observer = observe();
  const vm = {
    qemu: settings.qemu,
    kernel: settings.vmlinuz ?? join(guest, 'boot', `vmlinuz-${release}`),
    initramfs,
    devices: [...ADAPTER, ...passThroughDisk(storage.url)],
    parameters: settings.parameters,
    consoleLog: join(folder, 'console.log'),
  };
  const onLine = (line: string): void => {
    observer.line(line);
    if (observer.result().writes.length >= BEFORE) storage.failOver(row.seconds, row.failure);
  };
  const late = AbortSignal.timeout(limit * 1000);
  try {
    await runMachine(vm, onLine, { seconds: limit + 60, signal: AbortSignal.any([signal, late]) });
  } catch (error) {
    // A guest that hangs is a result: the record says that it did not end.
    if (signal.aborted || !late.aborted) throw error;
  }
  return observer.result();
}

/** All times of a record, in seconds since the first write began. */
function timesOf(
  { writes }: Observation,
  storage: Storage,
): Pick<TrialRecord, 'began' | 'ended' | 'writes' | 'longestStall'> {
  const zero = writes[0]?.at ?? 0;
  const rounded = (seconds: number): number => Math.round(seconds * 100) / 100;
  const period = storage.period();
  const last = writes[BEFORE - 1];
  const began = last === undefined || period === undefined ? 0 : last.at + last.seconds - zero;
  // Of this machine's clock only how long it took: the guest's runs as fast.
  const took = period === undefined ? 0 : ((period.ended ?? Date.now()) - period.began) / 1000;
  return {
    began: rounded(began),
    ended: rounded(began + took),
    writes: writes.map((write) => ({
      ...write,
      at: rounded(write.at - zero),
      seconds: rounded(write.seconds),
    })),
    longestStall: rounded(Math.max(0, ...writes.map(({ seconds }) => seconds))),
  };
}

async function diagnosed({ machine, folder, signal }: TrialBench): Promise<string> {
  const bin = join(packageRoot(), 'bin', 'mptfix.cjs');
  const argv = [process.execPath, bin, 'diagnose', '--json', join(folder, 'console.log')] as const;
  const { stdout } = await machine.run(argv, { effect: 'read', signal });
  try {
    return (JSON.parse(stdout.toString('utf8')) as { readonly verdict: string }).verdict;
  } catch {
    return '';
  }
}

async function qemuVersion(machine: Target, qemu: 'x86_64' | 'i386' = 'x86_64'): Promise<string> {
  const { stdout } = await machine.run([`qemu-system-${qemu}`, '--version'], { effect: 'read' });
  return /version (\S+)/.exec(stdout.toString('utf8'))?.[1] ?? '';
}
