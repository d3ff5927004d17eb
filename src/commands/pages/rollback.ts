import { columns, style } from '../../ui/output.ts';
import type { RollbackResult } from '../rollback.ts';

const TITLES: Readonly<Record<RollbackResult['result'], string>> = {
  'rolled-back': 'put back',
  'nothing-to-do': 'nothing to do',
  planned: 'would be put back',
};

export function rollbackPage(result: RollbackResult): string {
  const lines = [style('green', `${TITLES[result.result]}: ${result.reason}`)];
  if (result.module !== null) {
    lines.push(
      columns([
        ['kernel', result.kernel],
        ['module', result.module.path],
        ['sha256', result.module.sha256],
      ]),
    );
  }
  if (result.index === 'index rebuilt') {
    lines.push(
      'the module index had been rebuilt by somebody else since: depmod was run instead of restoring it',
    );
  }
  return lines.join('\n');
}
