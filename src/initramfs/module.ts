import { basename } from 'node:path/posix';
import { compareSection } from '../elf/compare.ts';
import { decompressModule, moduleFormat } from '../elf/compression.ts';
import { type ElfFile, readElf } from '../elf/elf.ts';
import { buildId } from '../elf/module-data.ts';
import { failure } from '../errors.ts';
import { filterTool, isModuleFile, modulePath } from '../guest/module-file.ts';
import { sha256 } from '../hash.ts';
import { LIMITS } from '../limits.ts';
import type { TargetReads } from '../machine/port.ts';
import type { Reads } from './image.ts';
import { type Initramfs, readInitramfs } from './read.ts';

/** A module as an initramfs holds it. */
export interface StoredModule {
  /** In the image, without a leading slash. */
  readonly path: string;
  /** Of the file as it is stored; a tool may have stripped it or packed it otherwise. */
  readonly sha256: string;
  /** Of the module's own, unpacked bytes. */
  readonly moduleSha256: string;
  readonly bytes: Buffer;
}

/** What an image holds of a kernel's modules. */
export interface InitramfsModules {
  /** The one that the image's own modprobe would load; undefined where it has none of that name. */
  readonly module: StoredModule | undefined;
  /** All of that name: more than one where a module shadows another. */
  readonly copies: readonly StoredModule[];
  /** Names of all modules, such as `sd_mod`, sorted. */
  readonly names: readonly string[];
  /** Names of all programs, such as `mount`, sorted. */
  readonly programs: readonly string[];
  readonly image: Initramfs;
}

/** A module's file wherever it lies: Red Hat's mkinitrd puts them into /lib, the others into /lib/modules/RELEASE. */
const MODULE_FILE = /(?:^|\/)([^/]+?)\.k?o(?:\.(?:gz|xz|zst|bz2))?$/;
const PROGRAM_FILE = /(?:^|\/)(?:s?bin\/([^/]+)|init)$/;
const RELEASE_FOLDER = /(?:^|\/)lib\/modules\/([^/]+)\//;

/**
 * Looks into an image for a kernel's module. Throws E_INITRAMFS and E_TOOLS_MISSING as `readInitramfs` does, and
 * E_CANNOT_DECIDE for a module that cannot be unpacked.
 */
export async function modulesInInitramfs(
  target: Reads,
  path: string,
  release: string,
  moduleName: string,
  signal?: AbortSignal,
): Promise<InitramfsModules> {
  const index = `lib/modules/${release}/modules.dep`;
  const ofRelease = (file: string): boolean => (RELEASE_FOLDER.exec(file)?.[1] ?? release) === release;
  const image = await readInitramfs(target, path, {
    wanted: (file) =>
      (isModuleFile(basename(file), moduleName) && ofRelease(file)) ||
      file === index ||
      file === `usr/${index}`,
    keepUpTo: LIMITS.moduleUnpackedBytes,
    signal,
  });
  const copies: StoredModule[] = [];
  let unpacked = 0;
  let dependencies = '';
  for (const { path: file, sha256: stored, content } of image.files.values()) {
    if (content === undefined) continue;
    if (file.endsWith('/modules.dep')) {
      if (content.length > LIMITS.moduleIndexBytes) throw tooMuch(path, 'the module index');
      dependencies = content.toString('utf8');
    } else {
      const bytes = await unpackedModule(target, content);
      unpacked += bytes.length;
      if (unpacked > LIMITS.imageModuleBytes) throw tooMuch(path, moduleName);
      copies.push({ path: file, sha256: stored, moduleSha256: sha256(bytes), bytes });
    }
  }
  const indexed = modulePath(dependencies, release, moduleName)?.replace(/^\/?(usr\/)?/, '');
  const module = copies.find((copy) => copy.path.replace(/^usr\//, '') === indexed) ?? copies[0];
  const names = matches([...image.names].filter(ofRelease), MODULE_FILE);
  const programs = matches([...image.names, ...image.links.keys()], PROGRAM_FILE);
  return { module, copies, names, programs, image };
}

function tooMuch(path: string, what: string): Error {
  return failure(
    'E_INITRAMFS',
    `${path} holds more of ${what} than any image: it may have ${LIMITS.imageModuleBytes} bytes, an index ${LIMITS.moduleIndexBytes}`,
    'rebuild it with the distro’s own tool, or restore it from a backup',
  );
}

function matches(paths: readonly string[], pattern: RegExp): readonly string[] {
  const found = new Set<string>();
  for (const path of paths) {
    const match = pattern.exec(path);
    if (match !== null) found.add(match[1] ?? match[0]);
  }
  return [...found].sort();
}

/** The module of a name in an image, or that there is none. Throws as `modulesInInitramfs` does. */
export async function moduleInInitramfs(
  target: Reads,
  path: string,
  release: string,
  moduleName: string,
): Promise<Pick<StoredModule, 'path' | 'sha256' | 'moduleSha256'> | 'absent'> {
  const { module } = await modulesInInitramfs(target, path, release, moduleName);
  if (module === undefined) return 'absent';
  return { path: module.path, sha256: module.sha256, moduleSha256: module.moduleSha256 };
}

/** A module's own bytes, however its file is packed. Throws E_CANNOT_DECIDE where it is damaged. */
function unpackedModule(target: Pick<TargetReads, 'run'>, file: Uint8Array): Promise<Buffer> {
  return decompressModule(file, moduleFormat(file), filterTool(target));
}

/** Whether a new image is one that the guest can boot with, as far as can be seen without booting it. */
export interface InitramfsProof {
  readonly ok: boolean;
  /** One line with what was compared. */
  readonly detail: string;
}

export interface ExpectedModule {
  readonly release: string;
  readonly name: string;
  /** The module's file as it lies in the module tree, packed or not. */
  readonly file: Uint8Array;
  /**
   * What the image that it takes the place of holds: nothing of that may be missing. A tool that cannot see the guest's
   * hardware may leave out the drivers of its root disk, and dracut ends well where it could not install a program.
   */
  readonly before?: Pick<InitramfsModules, 'names' | 'programs'>;
}

/** Opens an image and proves what is in it. Throws as `modulesInInitramfs` does. */
export async function proveInitramfs(
  target: Reads,
  image: string,
  expected: ExpectedModule,
  signal?: AbortSignal,
): Promise<InitramfsProof> {
  const { release, name: wantedName, file, before } = expected;
  const found = await modulesInInitramfs(target, image, release, wantedName, signal);
  const { copies, module, names, programs } = found;
  if (module === undefined) return { ok: false, detail: `${image} has no ${wantedName}` };
  const wanted = await unpackedModule(target, file);
  const results = copies.map((copy) => ({ copy, how: sameModule(copy, file, wanted) }));
  const other = results.find(({ how }) => how === undefined);
  if (other !== undefined) {
    const detail = `${other.copy.path} in ${image} is another module: sha256 ${other.copy.moduleSha256}, not ${sha256(wanted)}`;
    return { ok: false, detail };
  }
  const lost = [
    ...missing(before?.names, names).map((name) => `module ${name}`),
    ...missing(before?.programs, programs).map((name) => `program ${name}`),
  ];
  if (lost.length > 0) {
    const some = lost.slice(0, 5).join(', ') + (lost.length > 5 ? ` and ${lost.length - 5} more` : '');
    return { ok: false, detail: `${image} lacks files that the old image has: ${some}` };
  }
  const how = results.find(({ copy }) => copy === module)?.how ?? '';
  return { ok: true, detail: `${module.path} in ${image}: ${how}, among ${names.length} modules` };
}

function missing(wanted: readonly string[] = [], there: readonly string[]): readonly string[] {
  return [...new Set(wanted).difference(new Set(there))];
}

/** In which way a stored module is the expected one; undefined where it is another. */
function sameModule(copy: StoredModule, file: Uint8Array, wanted: Buffer): string | undefined {
  if (copy.sha256 === sha256(file)) return `the same file, sha256 ${copy.sha256}`;
  if (copy.moduleSha256 === sha256(wanted)) return `the same module, sha256 ${copy.moduleSha256}`;
  return sameWhenLoaded(copy.bytes, wanted) ? 'the same module, stripped' : undefined;
}

const SHF_ALLOC = 2;

/** dracut strips what a kernel does not load: every section that it does must be the same, and in both. */
function sameWhenLoaded(stored: Buffer, wanted: Buffer): boolean {
  const one = readElf(stored);
  const other = readElf(wanted);
  if (one.machine !== other.machine || buildId(one) !== buildId(other)) return false;
  const names = new Set([...loaded(one), ...loaded(other)]);
  return names.size > 0 && [...names].every((name) => compareSection(one, other, name) === 'same');
}

function loaded(elf: ElfFile): readonly string[] {
  return elf.sections.filter(({ flags }) => (flags & SHF_ALLOC) !== 0).map(({ name }) => name);
}
