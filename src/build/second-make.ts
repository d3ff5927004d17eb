import type { ElfFile } from '../elf/elf.ts';
import { readElf } from '../elf/elf.ts';
import { proveProvenance } from './compare-builds.ts';
import { compileModule } from './compile.ts';
import { moduleBuild } from './one-kbuild.ts';
import type { Building, Builds } from './running-builds.ts';
import type { Sources } from './sources.ts';

/**
 * Where the module of the unchanged source was made by recorded commands and is not the guest's, make has the last word: no
 * proof fails that would hold with a make of its own. Throws E_BUILD.
 */
export async function decidedByMake(
  context: Building,
  { headers, source, builds }: Pick<Sources, 'headers' | 'source'> & { readonly builds: Builds },
  unchanged: ElfFile,
): Promise<Builds | undefined> {
  if (builds.unchanged.replayed === undefined) return undefined;
  const { ok, detail } = proveProvenance(unchanged, readElf(context.job.shipped.bytes));
  if (ok) return undefined;
  const whyMake = `by kbuild’s commands: ${detail}`;
  context.progress.note(`make builds the unchanged source once more: ${whyMake}`);
  const files = new Map(source.files);
  const made = await compileModule({ ...moduleBuild(context, headers, 'unchanged-again'), files });
  return { ...builds, unchanged: { ...made, whyMake } };
}
