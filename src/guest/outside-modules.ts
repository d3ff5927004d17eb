import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { LIMITS } from '../limits.ts';
import { linesOf } from '../lines.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { defined } from '../optional.ts';
import type { KernelFacts } from './kernel.ts';
import { indexedModule } from './module-file.ts';

/** Where a kernel has a driver of which no module was found, and what says so. */
export interface OutsideModules {
  /** `nowhere`: it cannot be loaded. `unknown`: nothing tells, and `detail` says what was looked for. */
  readonly place: 'built-in' | 'nowhere' | 'unknown';
  /** One line for a person. */
  readonly detail: string;
  /** The guest's file that tells. */
  readonly file?: string;
}

type Reads = Pick<Target, 'kind' | 'read' | 'readText' | 'list' | 'stat'>;
type Kernel = Pick<KernelFacts, 'release' | 'running'>;

/** What one of the kernel's own files says. */
interface Told {
  /** `no-image`: it is not in the image, but may be a module. */
  readonly says: 'built-in' | 'module' | 'no-image' | 'not-made';
  readonly file: string;
}

/**
 * Where a kernel has the driver that is no module of it: the list of what is built in (kernels from 2.6.33 on), else its
 * configuration, else the names in its image. `names`: the modules that the driver may be.
 */
export async function outsideModules(
  target: Reads,
  kernel: Kernel,
  names: readonly string[],
): Promise<OutsideModules> {
  const { release } = kernel;
  const told =
    (await builtInList(target, release, names)) ??
    (await configuration(target, kernel)) ??
    (await systemMap(target, release));
  const file = told?.file;
  if (told?.says === 'built-in')
    return { place: 'built-in', detail: `the driver is part of the kernel’s image`, ...defined({ file }) };
  if (told?.says === 'not-made')
    return { place: 'nowhere', detail: 'the kernel was configured without the driver', ...defined({ file }) };
  const folder = `${MODULES_FOLDER}/${release}`;
  if (!(await hasModules(target, folder)))
    return {
      place: 'unknown',
      detail: `there are no modules in ${folder}${UNTOLD[told?.says ?? 'nothing']}`,
    };
  if (told !== undefined)
    return {
      place: 'nowhere',
      detail: `the driver is not part of the kernel’s image, and not among the modules in ${folder}${await goneFrom(target, release, names)}`,
      file: told.file,
    };
  return {
    place: 'unknown',
    detail: `no module of the driver is in ${folder}, and whether it is built in cannot be told: there is no modules.builtin, no /boot/config-${release} and no /boot/System.map-${release} that can be read`,
  };
}

/** An index that lists a file which is not there: modprobe fails, and somebody may wonder. */
async function goneFrom(target: Reads, release: string, names: readonly string[]): Promise<string> {
  const listed = await Promise.all(names.map((name) => indexedModule(target, release, name)));
  const path = listed.find((one) => one !== undefined);
  return path === undefined ? '' : `; modules.dep lists ${path}, and there is no such file`;
}

const UNTOLD: Readonly<Record<Told['says'] | 'nothing', string>> = {
  'built-in': '',
  'not-made': '',
  module: ', and the kernel was configured with the driver as a module',
  'no-image': ', and the driver is not part of the image',
  nothing: ', and nothing tells whether the driver is part of the image',
};

async function hasModules(target: Reads, folder: string): Promise<boolean> {
  if ((await target.list(`${folder}/kernel`)).length > 0) return true;
  return ((await target.stat(`${folder}/modules.dep`))?.size ?? 0) > 0;
}

/** Source: modules.builtin of the kernel's own build, Documentation/kbuild/kbuild.rst. An empty one is of no build. */
async function builtInList(
  target: Reads,
  release: string,
  names: readonly string[],
): Promise<Told | undefined> {
  const file = `${MODULES_FOLDER}/${release}/modules.builtin`;
  const list = (await target.readText(file, LIMITS.moduleIndexBytes)) ?? '';
  if (list.trim() === '') return undefined;
  const ends = names.map((name) => `/${name}.ko`);
  for (const line of linesOf(list))
    if (ends.some((end) => line.endsWith(end))) return { says: 'built-in', file };
  return { says: 'no-image', file };
}

async function configuration(target: Reads, { release, running }: Kernel): Promise<Told | undefined> {
  const files = [
    `/boot/config-${release}`,
    `${MODULES_FOLDER}/${release}/config`,
    `${MODULES_FOLDER}/${release}/build/.config`,
  ];
  for (const file of files) {
    const says = configured((await target.readText(file, LIMITS.textBytes)) ?? '');
    if (says !== undefined) return { says, file };
  }
  if (!traitsOf(target).isRunning || running !== true) return undefined;
  const says = configured(await runningConfiguration(target));
  return says === undefined ? undefined : { says, file: RUNNING_CONFIGURATION };
}

const RUNNING_CONFIGURATION = '/proc/config.gz';

async function runningConfiguration(target: Reads): Promise<string> {
  try {
    const packed = await target.read(RUNNING_CONFIGURATION, LIMITS.textBytes);
    return (await promisify(gunzip)(packed, { maxOutputLength: LIMITS.textBytes })).toString('latin1');
  } catch {
    // Most kernels do not show it.
    return '';
  }
}

/**
 * What a kernel's .config says of the driver; undefined where it does not mention it. Source: drivers/message/fusion/Kconfig.
 * Until 2.6.12 FUSION is the driver itself; later it only opens a menu, or is selected by, the transports.
 */
export function configured(config: string): Told['says'] | undefined {
  const value = (name: string): string | undefined => {
    const found = new RegExp(`^(?:CONFIG_${name}=([ym])|# CONFIG_${name} is not set)[ \\t\\r]*$`, 'm').exec(
      config,
    );
    return found === null ? undefined : (found[1] ?? 'n');
  };
  const transports = ['FUSION_SPI', 'FUSION_FC', 'FUSION_SAS'].map(value).filter((one) => one !== undefined);
  const core = value('FUSION');
  const decisive = core === 'm' || transports.length === 0 ? [core, ...transports] : transports;
  if (decisive.includes('y')) return 'built-in';
  if (decisive.includes('m')) return 'module';
  if (decisive.includes('n')) return 'not-made';
  // Without these two the kernel's configuration does not come to the driver.
  return value('PCI') === 'n' || value('SCSI') === 'n' ? 'not-made' : undefined;
}

/** The driver's completion routine, in every version of it since 2.4. */
const DRIVERS_OWN = /^[0-9a-f]{8,16} [tT] mptscsih_io_done$/m;
/** In every kernel; a stub that leads to a package with debug information has it not. Source: init/main.c. */
const EVERY_KERNELS = /^[0-9a-f]{8,16} [tT] start_kernel$/m;

async function systemMap(target: Reads, release: string): Promise<Told | undefined> {
  const file = `/boot/System.map-${release}`;
  const map = (await target.readText(file, LIMITS.indexBytes)) ?? '';
  if (DRIVERS_OWN.test(map)) return { says: 'built-in', file };
  return EVERY_KERNELS.test(map) ? { says: 'no-image', file } : undefined;
}
