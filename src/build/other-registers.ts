import { readElf } from '../elf/elf.ts';
import { otherwiseAlike, proveOnlyBranch } from './compare-builds.ts';
import type { Patched } from './patch-source.ts';
import type { ProofResult } from './proof.ts';
import { type Building, type Builds, stoppingOnFailure } from './running-builds.ts';
import type { Sources } from './sources.ts';
import { startBuilds } from './two-builds.ts';

/**
 * Without it, gcc gives a function the scratch registers behind those that it gave last, be it in the function before
 * (`static int search_ofs` of peep2_find_free_register, gcc/recog.c; seen with gcc 4.1.2 for i686): a branch less in the
 * completion routine, and another function computes the same by other registers.
 */
const OPTION = '-fno-peephole2';

/** What both builds were made of. */
interface Ingredients extends Pick<Sources, 'headers' | 'source'> {
  readonly patched: Patched;
  readonly builds: Builds;
}

/**
 * Where other functions than the completion routine differ, and may by their registers alone: builds both once more
 * without what makes gcc choose others. There only the completion routine may differ.
 *
 * @param proof that only the branch differs; any other is answered as it is
 */
export async function besidesRegisters(
  context: Building,
  { headers, source, patched, builds }: Ingredients,
  proof: ProofResult,
): Promise<ProofResult> {
  if (proof.ok || proof.name !== 'only the branch') return proof;
  const others = otherwiseAlike(readElf(builds.patched.bytes), readElf(builds.unchanged.bytes));
  // The results that compile.sh has left are of these two builds alone.
  if (others.length === 0 || context.phase !== undefined) return proof;
  const makeVars = [...context.options.makeVars, `CFLAGS_${patched.file.replace(/\.c$/, '.o')}=${OPTION}`];
  const again = { ...context, options: { ...context.options, makeVars }, named: 'again-' };
  context.progress.note(`build again with ${OPTION}`);
  const running = startBuilds(again, headers, false);
  const witness = await stoppingOnFailure(running, () => {
    running.unchanged(new Map(source.files));
    running.patched(new Map(source.files).set(patched.file, patched.compiled));
    return running.result();
  });
  const { ok, detail } = proveOnlyBranch(readElf(witness.patched.bytes), readElf(witness.unchanged.bytes));
  if (!ok) return proof;
  const why = `gcc chose other registers in ${others.join(' ')}, which it does not where both are built with ${OPTION}`;
  return { ...proof, ok, detail: `${detail}; ${why}` };
}
