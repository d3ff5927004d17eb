import { failure } from '../../errors.ts';
import { scanDriverSource } from '../source/scan.ts';
import { applyDiff } from './apply.ts';
import { loadCatalogue, type StoredPatch } from './catalogue.ts';
import { reverseDiff } from './unified.ts';

/**
 * Puts the branch back into a fixed driver's file, as the demo and the tests need it: a stored diff, applied in reverse,
 * so that the diff and this are proven to be each other's inverse. Throws E_PATCH_NO_FIT where none fits in reverse.
 */
export function reintroduceBranch(text: string, catalogue: readonly StoredPatch[] = loadCatalogue()): string {
  const reasons: string[] = [];
  for (const stored of catalogue) {
    const back = applyDiff(text, reverseDiff(stored.diff));
    if (!back.fits) {
      reasons.push(`${stored.name}: ${back.reason}`);
      continue;
    }
    const again = applyDiff(back.text, stored.diff);
    const { shape } = scanDriverSource(back.text, stored.file);
    if (again.fits && again.text === text && shape === 'affected') return back.text;
    reasons.push(`${stored.name}: in reverse it gives ${shape}`);
  }
  throw failure(
    'E_PATCH_NO_FIT',
    `the branch cannot be put back: ${reasons.join('; ')}`,
    'give a driver file that is fixed',
  );
}
