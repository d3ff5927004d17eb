import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readElf } from '../../src/elf/elf.ts';
import { buildId } from '../../src/elf/module-data.ts';
import { sha256 } from '../../src/hash.ts';
import { MODULES_FOLDER } from '../../src/machine/folders.ts';
import type { Target } from '../../src/machine/port.ts';
import { say } from '../../src/ui/output.ts';
import type { Write } from './disk.ts';
import { type BootFiles, bootFiles } from './guest-image.ts';
import { journalWatch } from './journal-lines.ts';
import { type Drivers, look } from './look.ts';
import { type Origin, type Rig, type Saved, save, withRig } from './rig.ts';
import { isAfterMiddle, MIDDLE, type Way, type WayName, wayOf } from './ways.ts';

/** Machines that cuts go on from: each is made when the first cut needs it. */
export interface Machines {
  /** Guests that wait for the command, or have come to the end of its longest step. */
  /** Of the guest as shipped: what `Found.places` says. */
  shipped(): Promise<string>;
  for(cut: { readonly way: WayName; readonly after: string }): Promise<Saved>;
}

export interface Guest {
  /** An image with the affected driver. */
  readonly image: string;
  readonly boot: BootFiles;
  readonly release: string;
  readonly drivers: Drivers;
  /** Where the machines are saved, and found again. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

const LIMIT_SECONDS = 900;

/** QEMU stops a machine at once; the answers to its disk go on meanwhile, so that it can. */
const STOPS_WITHIN_MS = 500;

export function machinesOf(machine: Target, guest: Guest): Machines {
  const made = new Map<string, Promise<Saved>>();
  let known: Promise<string> | undefined;
  const shipped = async (): Promise<string> => {
    const note = join(guest.folder, 'shipped');
    const before = await readFile(note, 'utf8').catch(() => undefined);
    if (before !== undefined) return before;
    const places = await lookedAt(guest, await original());
    await writeFile(note, places);
    return places;
  };
  const once = (name: string, make: (name: string) => Promise<Saved>): Promise<Saved> => {
    const known = made.get(name) ?? noted(guest.folder, name, make);
    made.set(name, known);
    return known;
  };
  const original = (): Promise<Saved> =>
    once('original', async (name) => {
      say('booting the guest, which is saved as it waits for a command');
      return waiting(machine, guest, { image: guest.image, boot: guest.boot }, name);
    });
  const middle = (way: Way): Promise<Saved> =>
    once(`${way.name}-middle`, async (name) => {
      const start = await original();
      say(`running ${way.name} until ${MIDDLE}, where it is saved`);
      return inTheMiddle(machine, guest, start, { name, words: way.words(guest.release) });
    });
  const patched = (): Promise<Saved> =>
    once('patched', async (name) => {
      const start = await middle(wayOf('apply'));
      say('installing the patched driver in it, and booting it anew');
      const image = await installed(machine, guest, start);
      const boots = join(guest.folder, 'patched-boot');
      await mkdir(boots, { recursive: true });
      const boot = await bootFiles(machine, image, guest.release, boots);
      return waiting(machine, guest, { image, boot }, name);
    });
  return {
    shipped: () => {
      known ??= shipped();
      return known;
    },
    for: (cut) => {
      const way = wayOf(cut.way);
      if (way.start === 'patched') return patched();
      if (!isAfterMiddle(cut)) return original();
      return middle(way);
    },
  };
}

/** One that an earlier run has saved serves again. */
async function noted(folder: string, name: string, make: (name: string) => Promise<Saved>): Promise<Saved> {
  const note = join(folder, `${name}.json`);
  const known = await readFile(note, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as Saved;
  const saved = await make(name);
  await writeFile(note, `${JSON.stringify(saved, null, 2)}\n`);
  return saved;
}

const deaf = (): void => {};

/** Boots and saves it. It has run Node once, so that what a run needs is in memory. */
function waiting(machine: Target, guest: Guest, origin: Origin, name: string): Promise<Saved> {
  const { folder, signal, drivers } = guest;
  return withRig(origin, folder, { onWrite: deaf, signal }, async (rig) => {
    await rig.vm.ready(LIMIT_SECONDS);
    const { state, loaded } = await look(rig.vm, drivers);
    if (state !== name || loaded !== name)
      throw new Error(`the guest is to be ${name}: status says ${state}, and the loaded driver is ${loaded}`);
    return save(machine, rig, origin, { name, folder, lastLine: '' });
  });
}

function lookedAt({ folder, signal, drivers }: Guest, origin: Saved): Promise<string> {
  return withRig(
    origin,
    folder,
    { onWrite: deaf, signal },
    async ({ vm }) => (await look(vm, drivers)).places,
  );
}

/** Lets its `apply` come to the end, and keeps the disk alone. */
function installed(machine: Target, guest: Guest, origin: Saved): Promise<string> {
  const { folder, signal } = guest;
  return withRig(origin, folder, { onWrite: deaf, signal }, async (rig) => {
    const { status, because } = await rig.vm.answer('command', LIMIT_SECONDS);
    if (status !== 0) throw new Error(`apply ended with ${status}: ${because}`);
    // A clean end: the next boot's loader sees all of it.
    await rig.vm.ask('freeze', 'sync && fsfreeze -f / && fsfreeze -u /', LIMIT_SECONDS);
    return (await save(machine, rig, origin, { name: 'installed', folder, lastLine: '' })).image;
  });
}

/** Runs a command until the longest step is done, and saves it there. */
function inTheMiddle(
  machine: Target,
  { folder, signal }: Guest,
  origin: Saved,
  { name, words }: { readonly name: string; readonly words: string },
): Promise<Saved> {
  const middle = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let rig: Rig | undefined;
  const watch = journalWatch((line) => {
    if (line !== MIDDLE) return;
    // The guest waits for its disk until it is stopped: otherwise it would go on.
    rig?.disk.hold(released.promise);
    middle.resolve();
  });
  const onWrite = ({ data }: Write): void => watch(data);
  return withRig(origin, folder, { onWrite, signal }, async (running) => {
    rig = running;
    running.vm.tell('command', words);
    const early = running.vm.answer('command', LIMIT_SECONDS).then(({ status, because }) => {
      throw new Error(`it ended with ${status} before ${MIDDLE}: ${because}`);
    });
    early.catch(() => {});
    await Promise.race([middle.promise, early]);
    setTimeout(() => released.resolve(), STOPS_WITHIN_MS);
    return save(machine, running, origin, { name, folder, lastLine: MIDDLE });
  });
}

/** What tells the two drivers apart. `patched` is the file that mptfix has built. */
export async function driversOf(tree: string, release: string, patched: string): Promise<Drivers> {
  const shipped = `${tree}${MODULES_FOLDER}/${release}/kernel/drivers/message/fusion/mptscsih.ko`;
  const [original, ours] = await Promise.all([shipped, patched].map((path) => identity(path)));
  if (original === undefined || ours === undefined) throw new Error('there are not two drivers');
  return { original, patched: ours };
}

async function identity(path: string): Promise<Drivers['original']> {
  const bytes = await readFile(path);
  const id = buildId(readElf(bytes));
  if (id === undefined) throw new Error(`${path} has no build-id`);
  return { buildId: id, sha256: sha256(bytes) };
}
