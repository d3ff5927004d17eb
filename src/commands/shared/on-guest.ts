import { undoBundle } from '../../bundle/undo-only.ts';
import { type ErrorCode, EXIT_STATUS, failure, isFailure } from '../../errors.ts';
import { uninterrupted } from '../../interruption.ts';
import type { HostTarget } from '../../machine/ssh/target.ts';
import { loginAsRoot } from '../../plan/not-root.ts';
import type { InstallOptions } from '../../plan/plan.ts';
import { transactions } from '../../transaction/store.ts';
import { typedSame, typedShell } from '../../typed.ts';
import { say } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { asOurs } from './bundle-words.ts';

/** What a bundle answers that did what it was asked for. */
export interface BundleAnswer {
  readonly result: string;
  readonly detail: string;
}

/** What is asked of a bundle, and what it is called for a person. */
interface Asked {
  readonly verb: 'apply' | 'rollback';
  readonly force?: boolean;
}

/**
 * Has the guest run a bundle, which asks nobody, and reads its one line. Its warnings are said; its error becomes ours, with
 * the same code. A signal that comes meanwhile waits until the guest has finished.
 * Throws E_HOST_LOST with the command that goes on.
 */
export async function runOnGuest(
  target: HostTarget,
  bundle: Uint8Array,
  { verb, force = false }: Asked,
): Promise<BundleAnswer> {
  const words = [verb, '--yes', '--json', ...(force ? ['--force'] : [])];
  const run = () => target.runSent(bundle, words);
  const { status, stdout, stderr } = await uninterrupted(
    `${target.name} finishes what it has begun: please wait`,
    run,
  ).catch((error: unknown) => {
    throw isLost(error) ? cutOff(target.name, error.failure.what) : error;
  });
  for (const line of stderr.split('\n').filter((one) => one.trim() !== '')) say(printable(asOurs(line)));
  const answer = answerIn(stdout.toString('utf8'));
  if (answer === undefined) {
    throw failure(
      'E_HOST_LOST',
      `the installer on ${target.name} ended with status ${status} and without an answer`,
      `run the same command again, it puts back or goes on: ${typedSame()}`,
    );
  }
  if ('result' in answer) return { result: answer.result, detail: asOurs(answer.detail) };
  throw failure(answer.code, `${target.name}: ${asOurs(answer.what)}`, asOurs(answer.next));
}

/** Runs what only reads or plans: where the connection is lost, the error has the command that goes on. */
export async function goingOn<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!isLost(error) || error.failure.next.includes('`')) throw error;
    throw failure('E_HOST_LOST', error.failure.what, `when the guest answers again: ${typedSame()}`);
  }
}

function isLost(error: unknown): error is Error & { failure: { what: string; next: string } } {
  return isFailure(error) && error.failure.code === 'E_HOST_LOST';
}

function cutOff(host: string, why: string): Error {
  return failure(
    'E_HOST_LOST',
    `${why}; ${host} goes on by itself, and finishes or puts everything back`,
    `when the guest answers again, the same command takes it from there: ${typedSame()}`,
  );
}

type Answer = BundleAnswer | { readonly code: ErrorCode; readonly what: string; readonly next: string };

/** The one line of JSON; undefined where it is none of a bundle. */
function answerIn(text: string): Answer | undefined {
  const line = text.trim().split('\n').at(-1) ?? '';
  try {
    const document = JSON.parse(line);
    const { result, detail, error } = document;
    if (typeof result === 'string' && typeof detail === 'string') return { result, detail };
    const { code, what, next } = error;
    if (!Object.hasOwn(EXIT_STATUS, code) || typeof what !== 'string' || typeof next !== 'string')
      return undefined;
    return { code, what, next };
  } catch {
    return undefined;
  }
}

/** Throws E_USAGE for what a bundle does not do: over ssh nothing else installs. */
export function requireInPlace({ placement, initramfs, bootEntry }: InstallOptions): void {
  const odd = [
    placement === 'in-place' ? [] : ['--placement updates'],
    initramfs ? [] : ['--no-initramfs'],
    bootEntry ? ['--boot-entry'] : [],
  ].flat();
  if (odd.length === 0) return;
  throw failure(
    'E_USAGE',
    `over ssh the module is installed in the place of the old one, and each image that holds it is built again: ${odd.join(' and ')} cannot be meant`,
    'leave it out, or run mptfix on the guest itself, or on its mounted disk with --root',
  );
}

/** Throws E_NOT_ROOT where the login is another user's. Reads only. */
export async function requireRootThere(target: HostTarget): Promise<void> {
  const uid = await uidThere(target);
  if (uid === '0') return;
  throw failure(
    'E_NOT_ROOT',
    `the login of ${target.name} is user ${printable(uid)} there, and only root may change the guest`,
    `${loginAsRoot(target)}; mptfix asks no sudo for a password: where only sudo is allowed, copy the bundle there and run ${typedShell(['sudo', 'sh', 'FILE.run', 'apply'])}`,
  );
}

export async function uidThere(target: HostTarget): Promise<string> {
  const { stdout } = await target.run(['id', '-u'], { effect: 'read' });
  return stdout.toString('utf8').trim();
}

/** Has the guest put back what an interrupted installation has left, and says so. Needs root there. */
export async function settleOnGuest(target: HostTarget): Promise<void> {
  const open = (await transactions(target, 'install')).findLast(({ state }) => state === 'open');
  const step = open?.steps.find(({ kind }) => kind === 'module');
  if (open?.kernel == null || step?.kind !== 'module') return;
  const [file] = step.files;
  const name = file.path.replace(/.*\//, '').replace(/\.k?o(?:\.\w+)?$/, '');
  const bundle = await undoBundle({
    kernel: { release: open.kernel, base: null, distro: 'not known', packageVersion: null },
    module: { name, path: file.path, sha256: file.original?.sha256 ?? '' },
  });
  const { detail } = await runOnGuest(target, bundle, { verb: 'rollback' });
  say(printable(`${target.name}: ${detail}`));
}
