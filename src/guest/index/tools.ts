import isBefore from 'semver/functions/lt.js';
import { isFailure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { MODULES_FOLDER } from '../../machine/folders.ts';
import type { TargetReads } from '../../machine/port.ts';
import { kernelBase } from '../../versions/kernel-base.ts';
import { DPKG_STATUS, installedVersion } from '../dpkg-status.ts';
import { readBinaryIndex } from './binary.ts';
import {
  formOf,
  type IndexFiles,
  type IndexForm,
  indexedFiles,
  indexForm,
  type ToolFamily,
} from './forms.ts';

type Reads = Pick<TargetReads, 'read' | 'readText' | 'stat' | 'findInside'>;

/** Which modprobe and depmod a guest has for one of its kernels. */
export interface IndexTools {
  readonly form: IndexForm;
  /** Such as `module-init-tools 3.3-pre2`. */
  readonly name: string;
  /** What tells it, in words. */
  readonly evidence: string;
}

/** Linux 2.5.48 brought the module loader that module-init-tools are for; for older kernels they call modutils' own. */
const NEW_LOADER = '2.5.48';

/**
 * Tells which tools read the module index of a kernel, by the first of these that says it: the kernel's own version,
 * what the guest's modprobe is built as, whether it has kmod, the package database, the form of the index itself.
 * Reads only, and runs nothing. `problem`: why it cannot be told.
 */
export async function indexTools(
  target: Reads,
  release: string,
): Promise<IndexTools | { readonly problem: string }> {
  const base = kernelBase(release)?.base;
  if (base !== undefined && isBefore(base, NEW_LOADER))
    return { form: indexForm('modutils'), name: 'modutils', evidence: `the kernel is ${base}` };
  const files = await indexFiles(target, release);
  return (
    (await byProgram(target)) ??
    (await byKmod(target)) ??
    (await byDpkg(target)) ??
    (await byRpm(target)) ??
    byIndex(files) ?? {
      problem: `neither modprobe nor a package database of the guest tells which tools it has, and ${files.folder}/modules.dep is in no form that is known`,
    }
  );
}

/** Reads the index of a kernel as it is now. Throws E_FILE_UNSAFE where something else has a file's place. */
export async function indexFiles(
  target: Pick<TargetReads, 'read' | 'readText' | 'stat'>,
  release: string,
): Promise<IndexFiles> {
  const folder = `${MODULES_FOLDER}/${release}`;
  const binary = `${folder}/modules.dep.bin`;
  const isThere = (await target.stat(binary)) !== undefined;
  return {
    folder,
    text: await target.readText(`${folder}/modules.dep`, LIMITS.moduleIndexBytes),
    binary: isThere ? await target.read(binary, LIMITS.moduleIndexBytes) : undefined,
  };
}

function told(family: ToolFamily, version: string, evidence: string): IndexTools | undefined {
  const form = formOf(family, version);
  return form === undefined ? undefined : { form, name: `${family} ${version}`, evidence };
}

/**
 * The version that `modprobe --version` prints is a text in the program. Source: `puts(PACKAGE " version " VERSION)` in
 * modprobe.c of module-init-tools and of kmod.
 */
const PRINTED = /\b(module-init-tools|kmod) version (\d[\w.+~-]{0,30})/;

async function byProgram(target: Reads): Promise<IndexTools | undefined> {
  const path = await target.findInside('modprobe');
  if (path === undefined) return undefined;
  try {
    const match = PRINTED.exec((await target.read(path, LIMITS.kernelBytes)).toString('latin1'));
    const [, family, version] = match ?? [];
    if (version === undefined || (family !== 'kmod' && family !== 'module-init-tools')) return undefined;
    return told(family, version, `${path} is of ${family} ${version}`);
  } catch (error) {
    // Too large for a modprobe, or no file: another sign has to tell.
    if (isFailure(error)) return undefined;
    throw error;
  }
}

export const KMOD_PLACES = ['/bin/kmod', '/usr/bin/kmod', '/sbin/kmod', '/usr/sbin/kmod'];

/** Where the guest has kmod itself; undefined where it has none. */
export async function kmodOf(target: Pick<TargetReads, 'stat'>): Promise<string | undefined> {
  for (const path of KMOD_PLACES) if ((await target.stat(path))?.type === 'file') return path;
  return undefined;
}

async function byKmod(target: Reads): Promise<IndexTools | undefined> {
  const path = await kmodOf(target);
  return path === undefined
    ? undefined
    : { form: indexForm('kmod'), name: 'kmod', evidence: `there is ${path}` };
}

/** Where several are installed, the first is the one that the others give way to. Debian and Red Hat use the same names. */
const PACKAGES: readonly ToolFamily[] = ['kmod', 'module-init-tools', 'modutils'];

async function byDpkg(target: Reads): Promise<IndexTools | undefined> {
  const status = (await target.readText(DPKG_STATUS, LIMITS.indexBytes)) ?? '';
  for (const family of PACKAGES) {
    const version = installedVersion(status, [family])?.replace(/^\d+:/, '');
    if (version !== undefined) return told(family, version, `dpkg has ${family} ${version}`);
  }
  return undefined;
}

/** Berkeley DB, NDB and SQLite alike hold each package's header whole, which begins with name, version and release. */
const RPM_DATABASES = ['Packages', 'Packages.db', 'rpmdb.sqlite'].flatMap((name) =>
  ['/var/lib/rpm', '/usr/lib/sysimage/rpm'].map((folder) => `${folder}/${name}`),
);

async function byRpm(target: Reads): Promise<IndexTools | undefined> {
  for (const path of RPM_DATABASES) {
    const size = (await target.stat(path))?.size;
    if (size === undefined || size > LIMITS.indexBytes) continue;
    const database = (await target.read(path, LIMITS.indexBytes)).toString('latin1');
    for (const family of PACKAGES) {
      const version = new RegExp(`\\0${family}\\0(\\d[\\w.]{0,30})\\0`).exec(database)?.[1];
      if (version !== undefined) return told(family, version, `rpm has ${family} ${version}`);
    }
  }
  return undefined;
}

/** Without any program at hand the index shows what wrote it, and what wrote it comes with what reads it. */
function byIndex({ text = '', binary }: IndexFiles): IndexTools | undefined {
  const listed = [...indexedFiles(text)];
  const whole = listed.filter((file) => file.startsWith('/')).length;
  if (listed.length === 0 || (whole > 0 && whole < listed.length)) return undefined;
  const major = binary === undefined ? undefined : readBinaryIndex(binary)?.major;
  if (binary !== undefined && major === undefined) return undefined;
  const form = whole > 0 ? wholeForm(listed, major) : relativeForm(major);
  if (form === undefined) return undefined;
  const paths = whole > 0 ? 'whole paths' : 'paths below its folder';
  return {
    form,
    name: form.name,
    evidence: `modules.dep has ${paths}${binary === undefined ? '' : `, modules.dep.bin version ${major}`}`,
  };
}

function wholeForm(listed: readonly string[], major: number | undefined): IndexForm | undefined {
  if (major !== undefined) return major === 0 ? indexForm('m-i-t-3.5') : undefined;
  return indexForm(listed.some((file) => /\.o(?:\.gz)?$/.test(file)) ? 'modutils' : 'm-i-t-3.0');
}

function relativeForm(major: number | undefined): IndexForm | undefined {
  if (major === 0) return undefined;
  return indexForm(major === 1 ? 'm-i-t-3.6' : 'kmod');
}
