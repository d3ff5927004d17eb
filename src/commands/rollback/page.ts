import { columns, style } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { warningLines } from '../plan/page.ts';
import type { RollbackResult } from './document.ts';

const TITLES: Readonly<Record<RollbackResult['result'], string>> = {
  'rolled-back': 'put back',
  'nothing-to-do': 'nothing to do',
  planned: 'would be put back',
};

const IMAGES: Readonly<Record<RollbackResult['images'][number]['how'], string>> = {
  restored: 'the old image is in its place again',
  rebuilt: 'somebody else had rebuilt it since: it was rebuilt once more, with the original module',
  left: 'somebody else had rebuilt it since, and it holds the original module already',
};

export function rollbackPage(result: RollbackResult): string {
  const lines = [style('green', printable(`${TITLES[result.result]}: ${result.reason}`))];
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
    lines.push('somebody else had rebuilt the module index since: depmod was run instead of restoring it');
  }
  // Several generations have touched the same image.
  const images = result.images.map(({ path, how }) => printable(`${path}: ${IMAGES[how]}`));
  lines.push(...new Set(images));
  if (result.left.length > 0)
    lines.push(printable(`changed by somebody else since, and left alone: ${result.left.join(', ')}`));
  lines.push(...warningLines(result.warnings));
  return lines.join('\n');
}
