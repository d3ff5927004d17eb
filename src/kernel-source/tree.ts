import { join } from 'node:path';
import type { Target } from '../machine/port.ts';
import {
  DRIVER_FOLDER,
  DRIVER_SOURCES,
  type DriverFiles,
  MAX_FILE_BYTES,
  requireDriver,
} from './driver-files.ts';

/** Reads the driver from a folder: an unpacked kernel tree, or the driver's own folder. Nothing is written to it. */
export async function readDriverTree(machine: Target, folder: string): Promise<DriverFiles> {
  const isDriver = (await Promise.all(DRIVER_SOURCES.map((name) => machine.stat(join(folder, name))))).some(
    Boolean,
  );
  const files = new Map<string, Buffer>();
  await readInto(machine, isDriver ? folder : join(folder, DRIVER_FOLDER), '', files);
  const makefile = isDriver ? undefined : await machine.readText(join(folder, 'Makefile'));
  return requireDriver({ files, ...(makefile === undefined ? {} : { makefile }) }, folder);
}

/** The driver has one level of folders (`lsi/`); more would be a loop of links. */
const MAX_DEPTH = 3;

async function readInto(
  machine: Target,
  folder: string,
  below: string,
  files: Map<string, Buffer>,
  depth = 0,
): Promise<void> {
  for (const name of await machine.list(folder)) {
    const path = join(folder, name);
    const status = await machine.stat(path);
    if (status?.type === 'directory' && depth < MAX_DEPTH) {
      await readInto(machine, path, `${below}${name}/`, files, depth + 1);
    } else if (status?.type === 'file' && status.size <= MAX_FILE_BYTES && isSource(name)) {
      files.set(`${below}${name}`, await machine.read(path));
    }
  }
}

/** A tree that was built in holds objects too: they must not be taken for fresh ones. */
function isSource(name: string): boolean {
  return /\.[ch]$/.test(name) || /^(Makefile|Kbuild|Kconfig)/.test(name);
}
