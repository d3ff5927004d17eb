import type { Evidence, Verdict } from '../verdict.ts';
import type { SourceScan, SourceShape } from './scan.ts';

const VERDICTS: Readonly<Record<SourceShape, Verdict>> = {
  affected: 'affected',
  'requeue-variant': 'fixed',
  'branch-removed': 'fixed',
  'never-had-it': 'never',
  dummy: 'unknown',
  'not-this-driver': 'unknown',
  unparsable: 'unknown',
};

/** The scan as a reason for a verdict. */
export function verdictOfScan(scan: SourceScan): Evidence {
  const line = scan.lines === undefined ? {} : { line: scan.lines.first };
  return { kind: 'source', verdict: VERDICTS[scan.shape], detail: scan.detail, file: scan.file, ...line };
}
