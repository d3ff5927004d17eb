import { requireProducible } from '../../build/foresee.ts';
import type { Job } from '../../build/job.ts';
import type { BuildOptions } from '../../build-options.ts';
import { isFailure } from '../../errors.ts';
import { readModule } from '../../guest/module-file.ts';
import { isCode } from '../../machine/file-errors.ts';
import type { Target } from '../../machine/port.ts';
import type { Plan } from '../../plan/document.ts';
import { preflight } from '../../plan/preflight.ts';
import { say } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';

interface Foreseen {
  readonly options: BuildOptions;
  readonly workBase: string;
  readonly signal: AbortSignal;
}

/** What a plan asks to be built. */
export async function jobOf(target: Target, { kernel, module, source, headers }: Plan): Promise<Job> {
  if (module === null || source === null || headers === null)
    throw new Error('a plan without a module is no job');
  const shipped = await readModule(target, module.path);
  return { kernel, module, source, headers, shipped, expectBranch: true, guest: target };
}

/** Before `apply` asks: throws what would stop it, as far as that shows in a moment; says what a person should know. */
export async function requireApplicable(target: Target, plan: Plan, given: Foreseen): Promise<void> {
  const willBeSigned = given.options.sign !== undefined;
  const throwIt = (error: unknown): never => {
    throw error;
  };
  for (const line of await preflight(target, plan, { willBeSigned, onRefusal: throwIt }))
    say(printable(`warning: ${line}`));
  await requireProducible({ ...given, job: await jobOf(target, plan), thoroughly: false });
}

/**
 * For `plan` and a dry run: throws whatever `apply` would refuse, with the same error. Only that this user is not root is
 * said and no more: who plans need not be who applies. With `installsTools` neither counts what is not installed.
 */
export async function foresee(
  target: Target,
  plan: Plan,
  { installsTools, ...given }: Foreseen & { readonly installsTools: boolean },
): Promise<void> {
  if (!plan.needed) return;
  let isForbidden = false;
  const onRefusal = (error: unknown): void => {
    const code = isFailure(error) ? error.failure.code : undefined;
    if (code === 'E_NOT_ROOT' || isCode(error, 'EACCES', 'EPERM')) isForbidden = true;
    else if (code !== 'E_TOOLS_MISSING' || !installsTools) throw error;
  };
  const willBeSigned = given.options.sign !== undefined;
  const warnings = await preflight(target, plan, { willBeSigned, onRefusal });
  const job = await jobOf(target, plan);
  await requireProducible({ ...given, job, thoroughly: true }).catch(onRefusal);
  if (isForbidden) say(printable(`note: this user may not change ${target.name}: apply needs root`));
  for (const line of warnings) say(printable(`warning: ${line}`));
}
