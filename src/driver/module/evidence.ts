import type { Evidence, Verdict } from '../verdict.ts';
import type { ModuleScan, ModuleVerdict } from './scan.ts';

/**
 * A module cannot show whether the branch was removed or was never there: both are said as `fixed`, and the detail
 * says so. A module of another driver decides nothing about this one.
 */
const VERDICTS: Readonly<Record<ModuleVerdict, Verdict>> = {
  affected: 'affected',
  'branch-absent': 'fixed',
  unknown: 'unknown',
  'not-this-driver': 'unknown',
};

/** A module's scan as one piece of evidence for a verdict. */
export function verdictOfModuleScan(scan: ModuleScan): Evidence {
  const version = scan.version === undefined ? '' : ` (version ${scan.version})`;
  return {
    kind: 'module',
    verdict: VERDICTS[scan.verdict],
    detail: `${scan.name ?? 'module'}${version}: ${scan.detail}`,
    file: scan.file,
  };
}
