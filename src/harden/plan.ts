import type { InitSystem } from '../guest/init-system.ts';
import type { Target } from '../machine/port.ts';
import type { Planned } from '../transaction/perform.ts';
import { planErrors } from './plan-errors.ts';
import { planTimeout } from './plan-timeout.ts';
import type { Wish } from './request.ts';
import type { Survey } from './survey.ts';

/** What is to be changed, in the order in which it is done, and what cannot be reached. */
export interface HardenPlan {
  readonly changes: readonly Planned[];
  /** One line each. */
  readonly notes: readonly string[];
}

export interface PlanQuestion {
  readonly wish: Wish;
  readonly survey: Survey;
  readonly init: InitSystem;
  /** `--device`: of a guest's tree, the device or image whose superblock is set. */
  readonly device: string | undefined;
}

/** Decides, reading only; what is as it is wished already is no change. All that can be refused is refused here. */
export async function planHarden(target: Target, question: PlanQuestion): Promise<HardenPlan> {
  const errors =
    question.wish.errors === undefined ? NOTHING : await planErrors(target, question, question.wish.errors);
  const timeout =
    question.wish.timeout === undefined
      ? NOTHING
      : await planTimeout(target, question, question.wish.timeout);
  return { changes: [...errors.changes, ...timeout.changes], notes: [...errors.notes, ...timeout.notes] };
}

const NOTHING: HardenPlan = { changes: [], notes: [] };
