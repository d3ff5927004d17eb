import type { Target } from '../machine/port.ts';
import { planErrors } from './plan-errors.ts';
import { planTimeout } from './plan-timeout.ts';
import type { HardenPlan, HardenQuestion } from './request.ts';

/** Decides, reading only; what is already as requested is no change. All that can be refused is refused here. */
export async function planHarden(target: Target, question: HardenQuestion): Promise<HardenPlan> {
  const errors =
    question.request.errors === undefined
      ? NOTHING
      : await planErrors(target, question, question.request.errors);
  const timeout =
    question.request.timeout === undefined
      ? NOTHING
      : await planTimeout(target, question, question.request.timeout);
  return { changes: [...errors.changes, ...timeout.changes], notes: [...errors.notes, ...timeout.notes] };
}

const NOTHING: HardenPlan = { changes: [], notes: [] };
