import { failure } from '../../errors.ts';
import type { Target } from '../../machine/port.ts';
import { type HostTarget, hostTarget } from '../../machine/ssh/target.ts';
import { localTarget, rootTarget } from '../../machine/tree.ts';

/** Runs a command's action, which answers the exit status; the signal asks it to put things back and end. */
export type Run = (act: (signal: AbortSignal) => Promise<number>) => Promise<void>;

/** What every command has that looks at a guest. */
export interface CommonOptions {
  readonly root?: string | undefined;
  /** `[USER@]HOST`; of commands that read. */
  readonly host?: string | undefined;
  readonly sshOption?: readonly string[] | undefined;
  readonly kernel?: string | undefined;
  readonly json: boolean;
  readonly verbose: boolean;
}

export interface MutatingOptions {
  readonly yes: boolean;
  readonly dryRun: boolean;
}

/** What names one guest. */
export type TargetOptions = Pick<CommonOptions, 'root' | 'host' | 'sshOption'>;

/** The guest that the target options name. Throws E_USAGE where they name two. */
export function openTarget({ root, host, sshOption = [] }: TargetOptions, dryRun: boolean): Target {
  if (host === undefined) {
    if (sshOption.length > 0)
      throw failure(
        'E_USAGE',
        '--ssh-option says how --host is reached, and there is no --host',
        'add --host HOST',
      );
    return root === undefined ? localTarget({ dryRun }) : rootTarget(root, { dryRun });
  }
  if (root !== undefined) throw failure('E_USAGE', '--root and --host name two guests', 'give one of them');
  return hostTarget(host, sshOption, { dryRun });
}

/** The same where it is known to be a host. */
export function openHost(
  { host, ...options }: TargetOptions & { readonly host: string },
  dryRun: boolean,
): HostTarget {
  openTarget({ host, ...options }, dryRun);
  return hostTarget(host, options.sshOption ?? [], { dryRun });
}
