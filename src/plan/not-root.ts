import { failure } from '../errors.ts';
import type { Target } from '../machine/port.ts';

/** The error for a user who may not do what only root may. */
export function notRoot(target: Target, why: string): Error {
  return failure(
    'E_NOT_ROOT',
    `this user may not change ${target.name}: ${why}`,
    'run the same command as root (sudo)',
  );
}
