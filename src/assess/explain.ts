import type { KernelTableEvidence } from '../driver/tables/kernels.ts';
import type { Evidence, Verdict } from '../driver/verdict.ts';
import { typed } from '../typed.ts';

/** The verdicts that say the same of a disk behind the driver: whether it survives a BUSY. */
const HARMLESS: ReadonlySet<Verdict> = new Set(['fixed', 'never']);

/**
 * Why a module and the table of kernels say different things, in words: the table knows the builder's own build, and the
 * file is what the guest has. Undefined where they agree, or where one of them cannot decide.
 */
export function disagreement(
  module: Evidence | undefined,
  table: KernelTableEvidence,
  release: string,
): string | undefined {
  if (module === undefined) return undefined;
  const own = `${table.builder === undefined ? 'the distro' : table.builder}’s own build of ${release}`;
  const how = table.inferred ? ', as far as its version tells' : '';
  if (module.verdict === 'affected' && HARMLESS.has(table.verdict))
    return `${own} ${table.verdict === 'fixed' ? 'is fixed' : 'never had the branch'}${how}; this file is another build, and has the branch. The file counts`;
  if (HARMLESS.has(module.verdict) && table.verdict === 'affected')
    return `${own} is affected${how}; this file is another build, without the branch. The file counts; ${typed('status')} tells whether mptfix installed it`;
  return undefined;
}
