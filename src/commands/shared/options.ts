import { atEnd } from '../../at-end.ts';
import { failure } from '../../errors.ts';
import type { Target } from '../../machine/port.ts';
import { type HostTarget, hostFigures, hostTarget } from '../../machine/ssh/target.ts';
import { localTarget, rootTarget } from '../../machine/tree.ts';
import { say } from '../../ui/output.ts';

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
export type TargetOptions = Pick<CommonOptions, 'root' | 'host' | 'sshOption'> & {
  readonly verbose?: boolean;
};

/** The guest that the target options name. Throws E_USAGE where they name two. */
export function openTarget({ root, host, sshOption = [], verbose }: TargetOptions, dryRun: boolean): Target {
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
  if (verbose === true && !reported.has(host)) {
    reported.add(host);
    // Before the connection is closed.
    atEnd(async () => reportCost(host, sshOption));
  }
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

/** Hosts whose cost is reported when the run ends. */
const reported = new Set<string>();

/** On a slow line the round trips are what takes the time. */
async function reportCost(host: string, sshOption: readonly string[]): Promise<void> {
  const cost = await hostFigures(host, sshOption).catch(() => undefined);
  if (cost !== undefined) say(`${host}: ${cost.questions} questions over ssh in ${cost.trips} round trips`);
}
