import type { Assessment } from '../../assess/assess.ts';
import type { FileJudgement } from '../../assess/judge-file.ts';
import { typed } from '../../typed.ts';

/** What to do about a guest that is affected, or of which nothing is known; undefined where there is nothing to do. */
export function nextForGuest({ verdict, facts, kb }: Assessment): string | undefined {
  const { release } = facts.kernel;
  const { module } = facts;
  if (verdict === 'affected' && module !== undefined)
    return `${typed('plan', [], { kernel: release })} shows what would be done about it`;
  if (verdict === 'affected')
    return `no module can be replaced: boot ${kb.vendorFix ?? 'a kernel from 2.6.22 on'}; ${typed('diagnose')} tells whether the branch has already hit this guest`;
  if (verdict !== 'unknown') return undefined;
  if (module !== undefined)
    return `the driver’s source decides: ${typed('check', ['--source', SOURCE])}, with the source of exactly this kernel`;
  return `mount all of the guest, with its /boot, or install the package of ${release} again; then ${typed('check', [], { kernel: release })}`;
}

/** The same about a file that was judged alone. */
export function nextForFile({ evidence, file, module }: FileJudgement): string | undefined {
  if (evidence.verdict === 'affected') return `on the guest that uses it: ${typed('plan', [], NO_TARGET)}`;
  if (evidence.verdict !== 'unknown') return undefined;
  return module === null
    ? `${file} alone does not decide: ${typed('check', ['--source', SOURCE], NO_TARGET)}, with the whole tree`
    : `the driver’s source decides: ${typed('check', ['--source', SOURCE], NO_TARGET)}`;
}

/** What a person puts in its place. */
const SOURCE = '/usr/src/linux';
/** A file that was given is on this machine, and of no guest. */
const NO_TARGET = { root: undefined, host: undefined, sshOption: undefined, kernel: undefined };
