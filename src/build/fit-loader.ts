import type { ArtifactInfo } from '../artifact-info.ts';
import type { ElfFile } from '../elf/elf.ts';
import { featuresOf } from '../elf/features.ts';
import { plainBranches } from '../elf/plain-branches.ts';
import { PC32, PLT32, relocationName } from '../elf/relocation-types.ts';
import { kernelKnows, knownSince } from './loader-knows.ts';
import type { Builds } from './running-builds.ts';

/** An edit of the module that no compiler made. */
export type Edit = ArtifactInfo['edits'][number];

/** Both builds as they are proven and installed, and what was edited to make the guest's kernel load them. */
interface Fitted {
  readonly builds: Builds;
  readonly edits: readonly Edit[];
}

/**
 * Gives the branches of both builds the relocation type that the guest's kernel knows, where it may not know the one that
 * today's assembler writes. A kernel that is not known to know it, but whose own module uses it, knows it.
 * @param version of the kernel, as its Makefile says it
 */
export function fitToLoader(builds: Builds, shipped: ElfFile, version: string): Fitted {
  const key = `relocation ${PLT32}`;
  const { machine } = shipped;
  if (kernelKnows(machine, key, version) || featuresOf(shipped).some((feature) => feature.key === key))
    return { builds, edits: [] };
  const patched = plainBranches(builds.patched.bytes);
  const unchanged = builds.unchanged === builds.patched ? patched : plainBranches(builds.unchanged.bytes);
  if (patched.edited === 0 && unchanged.edited === 0) return { builds, edits: [] };
  const [from, to] = [relocationName(shipped, PLT32), relocationName(shipped, PC32)];
  const why = `the kernel’s loader knows ${from} from ${knownSince(machine, key)} on, this one is ${version}; in a module both are the distance to the symbol`;
  const edit = { from, to, count: patched.edited, why };
  const withLog = (build: Builds['patched'], { bytes, edited }: typeof patched): Builds['patched'] => ({
    ...build,
    bytes,
    log: `${build.log}${editText({ ...edit, count: edited })}\n`,
  });
  return {
    builds: { patched: withLog(builds.patched, patched), unchanged: withLog(builds.unchanged, unchanged) },
    edits: [edit],
  };
}

/** For the log and for a page. */
export function editText({ from, to, count, why }: Edit): string {
  return `edited ${count} relocations of the module, ${from} to ${to}: ${why}`;
}
