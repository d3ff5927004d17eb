import type { Manifest } from '../../install/manifest.ts';
import type { Plan } from '../../plan/document.ts';

/** What `apply --json` prints. */
export interface ApplyResult {
  readonly schema: 'mptfix.apply/1';
  readonly result: 'patched' | 'nothing-to-do' | 'planned';
  readonly reason: string;
  readonly plan: Plan;
  readonly manifest: Manifest | null;
}
