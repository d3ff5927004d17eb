import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Target } from '../../src/machine/port.ts';
import type { Disk, Survivors, Write } from './disk.ts';
import { bootFiles, imageWith, QUICK_UNIT } from './guest-image.ts';
import { journalWatch } from './journal-lines.ts';
import { problemsOf } from './judge.ts';
import { type Drivers, look } from './look.ts';
import { imageDisk, type Powered, powerOn } from './machine.ts';
import { seeded } from './random.ts';
import type { CutRecord } from './record.ts';
import { type Saved, withRig } from './rig.ts';
import { ANSWERED, type Cut, WAYS, type Way, wayOf } from './ways.ts';

export interface CutSettings {
  readonly runSeed: number;
  readonly release: string;
  readonly drivers: Drivers;
  readonly shipped: string;
  readonly signal: AbortSignal;
  /** Its own; it is created, and removed afterwards. */
  readonly folder: string;
}

/** Commands and boots hang where they are not done by then; all take a fraction of it. */
const LIMIT_SECONDS = 900;

/** One power cut in the command that a saved machine is about to run, or runs; the boot after it; and what follows. */
export async function cutPower(
  machine: Target,
  from: Saved,
  cut: Cut,
  { folder, runSeed, release, drivers, shipped, signal }: CutSettings,
): Promise<CutRecord> {
  const started = Date.now();
  await mkdir(folder);
  const before = await interrupt(from, cut, { folder, release, signal });
  const { writes, lost } = before.survivors;
  const image = join(folder, 'disk.img');
  await imageWith(machine, from.image, image, writes);
  const after = await bootAgain(machine, image, cut, { folder, release, drivers, signal });
  const record = {
    format: 2,
    runSeed,
    cut,
    shipped,
    lastLine: before.lastLine,
    answered: before.answered,
    reached: before.reached,
    disk: { ...before.counts, lost },
    ...after.seen,
    wallSeconds: Math.round((Date.now() - started) / 1000),
    date: new Date().toISOString(),
  } as const;
  const problems = [...after.failures, ...problemsOf(record)];
  if (problems.length === 0) await rm(folder, { recursive: true });
  return { ...record, problems };
}

interface Interrupted {
  readonly survivors: Survivors;
  readonly counts: ReturnType<Disk['counts']>;
  readonly lastLine: string;
  readonly answered: boolean;
  readonly reached: boolean;
}

type Around = Pick<CutSettings, 'folder' | 'release' | 'signal'>;

/** Runs the command, and cuts the power at its moment: the disk stops within the write that it falls on, then QEMU dies. */
function interrupt(from: Saved, cut: Cut, { folder, release, signal }: Around): Promise<Interrupted> {
  const moment = Promise.withResolvers<void>();
  let [lastLine, reached, left] = [from.lastLine, false, Number.POSITIVE_INFINITY];
  let disk: Disk | undefined;
  const fall = (): void => {
    disk?.cut();
    moment.resolve();
  };
  const reach = (): void => {
    if (reached) return;
    reached = true;
    if (cut.later === 0) fall();
    else if (cut.unit === 'ms') setTimeout(fall, cut.later);
    else left = cut.later;
  };
  const watch = journalWatch((line) => {
    lastLine = line;
    if (line === cut.after) reach();
  });
  const onWrite = ({ data }: Write): void => {
    if (left !== Number.POSITIVE_INFINITY) left -= 1;
    watch(data);
    if (left === 0) fall();
  };
  return withRig(from, folder, { onWrite, signal }, async (rig) => {
    disk = rig.disk;
    if (from.lastLine === '') rig.vm.tell('command', wayOf(cut.way).words(release));
    let answered = false;
    const answer = rig.vm.answer('command', LIMIT_SECONDS).then(({ status, because }) => {
      if (status !== 0) throw new Error(`${cut.way} ended with ${status} before the cut: ${because}`);
      answered = true;
      if (cut.after === ANSWERED) reach();
    });
    // A moment within the command may turn out to be after its end: there are no more writes to wait for.
    await Promise.race([moment.promise, answer.then(() => settled(cut, moment.promise))]);
    rig.disk.cut();
    await rig.vm.kill();
    answer.catch(() => {});
    const random = seeded(cut.seed);
    return {
      survivors: rig.disk.survivors(cut.kind, random),
      counts: rig.disk.counts(),
      lastLine,
      answered,
      reached,
    };
  });
}

/** Until its moment, or two seconds after the answer. */
function settled({ unit, later }: Cut, moment: Promise<void>): Promise<void> {
  const most = unit === 'ms' ? Math.min(later, 2000) : 2000;
  return Promise.race([moment, new Promise<void>((resolve) => setTimeout(resolve, most))]);
}

type Seen = Pick<CutRecord, 'boots' | 'bootSeconds' | 'found' | 'next' | 'afterwards' | 'fsck'>;

/** Boots from the disk with what its own boot loader would find on it, looks, runs the next command, and looks again. */
async function bootAgain(
  machine: Target,
  image: string,
  cut: Cut,
  { folder, release, drivers, signal }: Around & Pick<CutSettings, 'drivers'>,
): Promise<{ readonly seen: Seen; readonly failures: readonly string[] }> {
  let seen: Seen = { boots: false, bootSeconds: 0, found: null, next: null, afterwards: null, fsck: null };
  let vm: Powered | undefined;
  try {
    const started = Date.now();
    const boot = await bootFiles(machine, image, release, folder);
    const consoleLog = join(folder, 'console.log');
    vm = await powerOn({ ...boot, unit: QUICK_UNIT, disk: imageDisk(image), folder, consoleLog, signal });
    await vm.ready(LIMIT_SECONDS);
    seen = { ...seen, boots: true, bootSeconds: Math.round((Date.now() - started) / 1000) };
    seen = { ...seen, found: await look(vm, drivers) };
    const { status, text, because } = await vm.ask('next', nextWay(cut).words(release), LIMIT_SECONDS);
    seen = { ...seen, next: { status, said: because === '' ? text.slice(0, 300) : because } };
    seen = { ...seen, afterwards: await look(vm, drivers) };
    await vm.ask('sync', 'sync', LIMIT_SECONDS);
    await vm.kill();
    seen = { ...seen, fsck: await checked(machine, image) };
    return { seen, failures: [] };
  } catch (error) {
    signal.throwIfAborted();
    return { seen, failures: [(error as Error).message] };
  } finally {
    await vm?.kill();
  }
}

/**
 * Who wrote the journal, and each third time the other: each undoes and continues what the other has begun. What lies beside
 * the package's module is mptfix's alone: the bundle refuses it (E_STATE_UNSAFE) and names mptfix.
 */
export function nextWay({ way, next, number }: Pick<Cut, 'way' | 'next' | 'number'>): Way {
  if (way === 'apply-updates') return wayOf(next === 'apply' ? way : next);
  const isBundle = way.startsWith('bundle') !== (number % 3 === 0);
  const name = isBundle ? (`bundle-${next}` as const) : next;
  return WAYS.find((one) => one.name === name) ?? wayOf(next);
}

/** The worse status of replaying the journal, which repairs as a boot does it, and of a whole check afterwards. */
async function checked(machine: Target, image: string): Promise<number> {
  const replayed = await machine.run(['e2fsck', '-p', image], { effect: 'write' });
  const whole = await machine.run(['e2fsck', '-f', '-n', image], { effect: 'read' });
  return Math.max(replayed.status ?? 128, whole.status ?? 128);
}
