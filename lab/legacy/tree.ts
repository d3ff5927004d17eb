import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ModuleScan, scanModule } from '../../src/driver/module/scan.ts';
import { failure } from '../../src/errors.ts';
import { readModule } from '../../src/guest/module-file.ts';
import { LIMITS } from '../../src/limits.ts';
import { MODULES_FOLDER } from '../../src/machine/folders.ts';
import type { Target } from '../../src/machine/port.ts';

/** A tree of the lab's own with an old kernel's modules, for `runTrial`. */
export interface LegacyTree {
  readonly guest: string;
  readonly release: string;
  /** `x86_64` or `i386`, as the modules are. */
  readonly architecture: string;
}

/**
 * Copies a kernel's modules below `guest` (created). `modules` is the folder of one kernel, `/lib/modules/RELEASE` of the old
 * machine, or a folder with a few modules; `driver` is the patched mptscsih.ko.
 * Throws E_MODULE_MISSING where a module is missing, E_USAGE where the two drivers are not what they should be.
 */
export async function makeLegacyTree(
  machine: Target,
  guest: string,
  { modules, driver }: { readonly modules: string; readonly driver: string },
): Promise<LegacyTree> {
  const files = await modulesBelow(modules);
  const own = files.find((file) => nameOf(file) === 'mptscsih');
  if (own === undefined)
    throw failure(
      'E_MODULE_MISSING',
      `there is no mptscsih.ko below ${modules}`,
      'give --modules the folder /lib/modules/RELEASE of the old machine',
    );
  const shipped = await scanned(machine, join(modules, own));
  const patched = await scanned(machine, driver);
  mustBe(
    shipped,
    'affected',
    `the folder's own driver, ${join(modules, own)},`,
    'its kernel is not affected',
  );
  mustBe(patched, 'branch-absent', driver, 'give --driver the module that `mptfix build` has made');
  if (patched.vermagic !== shipped.vermagic)
    throw failure(
      'E_USAGE',
      `${driver} is for “${patched.vermagic}”, the folder’s driver for “${shipped.vermagic}”`,
      'build the module for this kernel: mptfix build',
    );
  const release = shipped.vermagic?.split(' ')[0] ?? '';
  const folder = join(guest, MODULES_FOLDER, release);
  await mkdir(folder, { recursive: true });
  await cp(modules, folder, { recursive: true, verbatimSymlinks: true });
  const index = await machine.readText(join(modules, 'modules.dep'), LIMITS.moduleIndexBytes);
  // Another file under the same name: what is there may be a link of the copy.
  await rm(join(folder, 'modules.dep'), { force: true });
  await writeFile(
    join(folder, 'modules.dep'),
    index === undefined ? listedIndex(files) : relativeIndex(index, release),
  );
  return { guest, release, architecture: shipped.machine };
}

async function modulesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries.filter((path) => /\.ko(?:\.\w+)?$/.test(path)).sort();
}

async function scanned(machine: Target, file: string): Promise<ModuleScan> {
  return scanModule((await readModule(machine, file)).bytes, file);
}

function mustBe(scan: ModuleScan, verdict: ModuleScan['verdict'], what: string, next: string): void {
  if (scan.verdict !== verdict)
    throw failure('E_USAGE', `${what} is ${scan.verdict}, not ${verdict}: ${scan.detail}`, next);
}

function nameOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1).replace(/\.ko(?:\.\w+)?$/, '');
}

/** The index with paths below the folder: until module-init-tools 3.5 (2009) depmod wrote whole paths. */
export function relativeIndex(modulesDep: string, release: string): string {
  return modulesDep.replaceAll(`${MODULES_FOLDER}/${release}/`, '');
}

/**
 * What needs what in a kernel of 2.6, for a folder that has no index. Source: the modules.dep of RHEL 4 and 5, of SLES 9
 * and 10, and of Debian 3.1 and 4.0.
 */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  scsi_transport_sas: ['scsi_mod'],
  sd_mod: ['scsi_mod'],
  mptbase: ['scsi_mod'],
  mptscsih: ['mptbase', 'scsi_mod'],
  mptsas: ['mptscsih', 'mptbase', 'scsi_transport_sas', 'scsi_mod'],
  ext3: ['jbd', 'mbcache'],
};

/** A modules.dep of these files, of what is known of them alone. */
export function listedIndex(files: readonly string[]): string {
  const fileOf = (name: string): readonly string[] =>
    files.filter((file) => nameOf(file) === name).slice(0, 1);
  // What the kernel has built in is no file, and needs none.
  return files.map((file) => `${file}: ${(NEEDS[nameOf(file)] ?? []).flatMap(fileOf).join(' ')}\n`).join('');
}
