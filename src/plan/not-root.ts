import { failure } from '../errors.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';

/** The error for a user who may not do what only root may. */
export function notRoot(target: Target, why: string): Error {
  return failure(
    'E_NOT_ROOT',
    `this user may not change ${target.name}: ${why}`,
    traitsOf(target).hasOurTools ? 'run the same command as root (sudo)' : loginAsRoot(target),
  );
}

/** For a guest over ssh: who is root on this machine is nobody there. */
export function loginAsRoot({ name }: Pick<Target, 'name'>): string {
  return `give --host root@${name.slice(name.lastIndexOf('@') + 1)}, or --ssh-option User=root`;
}
