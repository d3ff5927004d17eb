import { compareSection } from '../elf/compare.ts';
import { type ElfFile, readElf } from '../elf/elf.ts';
import { buildId } from '../elf/module-data.ts';
import { sha256 } from '../hash.ts';
import type { Reads } from './image.ts';
import { type InitramfsModules, modulesInInitramfs, type StoredModule, unpackedModule } from './module.ts';

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
  const { copies, module, names, programs } = await modulesInInitramfs(
    target,
    image,
    expected.release,
    expected.name,
    signal,
  );
  if (module === undefined) return { ok: false, detail: `${image} has no ${expected.name}` };
  const wanted = await unpackedModule(target, expected.file);
  const results = copies.map((copy) => ({ copy, how: sameModule(copy, expected.file, wanted) }));
  const other = results.find(({ how }) => how === undefined);
  if (other !== undefined) {
    const detail = `${other.copy.path} in ${image} is another module: sha256 ${other.copy.moduleSha256}, not ${sha256(wanted)}`;
    return { ok: false, detail };
  }
  const lost = [
    ...missing(expected.before?.names, names).map((name) => `module ${name}`),
    ...missing(expected.before?.programs, programs).map((name) => `program ${name}`),
  ];
  if (lost.length > 0) {
    const some = lost.slice(0, 5).join(', ') + (lost.length > 5 ? ` and ${lost.length - 5} more` : '');
    return { ok: false, detail: `${image} lacks files that the old image has: ${some}` };
  }
  const how = results.find(({ copy }) => copy === module)?.how ?? '';
  return { ok: true, detail: `${module.path} in ${image}: ${how}, among ${names.length} modules` };
}

function missing(wanted: readonly string[] = [], there: readonly string[]): readonly string[] {
  const known = new Set(there);
  return wanted.filter((name) => !known.has(name));
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
