import { resolve } from 'node:path';
import { assess } from '../../assess/assess.ts';
import { failure } from '../../errors.ts';
import { readDistro } from '../../guest/distro.ts';
import { foreseeMachine } from '../../guest/foresee.ts';
import { detectInit, type InitSystem } from '../../guest/init-system.ts';
import { adviceOn } from '../../harden/advice.ts';
import { applyHarden, plannedUndo, refuseUndo, undoHarden } from '../../harden/apply.ts';
import type { Survey } from '../../harden/document.ts';
import { wordsOf } from '../../harden/handlers.ts';
import { planHarden } from '../../harden/plan.ts';
import { type HardenPlan, type HardenRequest, parseRequest } from '../../harden/request.ts';
import { type DriverKnowledge, survey } from '../../harden/survey.ts';
import { isCode } from '../../machine/file-errors.ts';
import { traitsOf } from '../../machine/kinds.ts';
import type { Target } from '../../machine/port.ts';
import { requireTools } from '../../machine/tools.ts';
import { lockAnyGuest, whileLocked } from '../../transaction/lock.ts';
import { placeOf } from '../../transaction/purpose.ts';
import { transactions } from '../../transaction/store.ts';
import { typed } from '../../typed.ts';
import { printResult } from '../../ui/output.ts';
import { confirm } from '../../ui/prompt.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { type CommonOptions, type MutatingOptions, openTarget } from '../shared/options.ts';
import { settleInterrupted } from '../shared/settle.ts';
import type { HardenResult } from './document.ts';
import { hardenPage } from './page.ts';

export interface HardenOptions extends CommonOptions, MutatingOptions {
  readonly apply?: readonly string[];
  readonly undo: boolean;
  readonly force: boolean;
  readonly mountPoint?: readonly string[];
  readonly device?: string;
}

/** `mptfix harden`: shows error policies and timeouts; sets them with --apply; puts them back with --undo. */
export async function harden(options: HardenOptions, signal: AbortSignal): Promise<number> {
  const request = requestOf(options);
  const acting = !options.dryRun && (request !== undefined || options.undo);
  const target = openTarget(options, !acting);
  foreseeMachine(target, []);
  if (!acting) return show(options, await look(target, options, request));
  requireRoot(target, options.undo ? ['--undo'] : ['--apply', ...(options.apply ?? [])]);
  return show(options, await whileLocked(lockAnyGuest(target), () => act(target, options, request, signal)));
}

function requestOf(options: HardenOptions): HardenRequest | undefined {
  if (options.undo && options.apply !== undefined)
    throw failure('E_USAGE', '--apply and --undo exclude each other', 'run harden twice, once with each');
  return options.apply === undefined ? undefined : parseRequest(options.apply);
}

function requireRoot(target: Target, words: readonly string[]): void {
  const { isRunning, isHere } = traitsOf(target);
  if (isRunning && !isHere) {
    throw failure(
      'E_USAGE',
      `over ssh harden only shows what is set: it was to change ${target.name}`,
      `${typed('harden', words)}, where it has Node; --dry-run shows what would be done`,
    );
  }
  if (!isRunning || process.geteuid?.() === 0) return;
  throw failure(
    'E_NOT_ROOT',
    'only root may change superblocks and timeouts',
    'run the same command as root (sudo)',
  );
}

async function look(
  target: Target,
  options: HardenOptions,
  request: HardenRequest | undefined,
): Promise<HardenResult> {
  await reportInterrupted(options);
  const found = await surveyed(target, options);
  if (options.undo) return undoResult(target, found, 'planned');
  if (request === undefined) return result(target, found, 'shown', NO_PLAN);
  const plan = await planHarden(target, { request, ...found, device: deviceOf(options) });
  return result(target, found, plan.changes.length === 0 ? 'nothing-to-do' : 'planned', plan);
}

async function act(
  target: Target,
  options: HardenOptions,
  request: HardenRequest | undefined,
  signal: AbortSignal,
): Promise<HardenResult> {
  const device = deviceOf(options);
  await settleInterrupted(target, 'harden', { force: options.undo && options.force, device });
  const found = await surveyed(target, options);
  if (request === undefined) return undo(target, options, found, signal);
  const plan = await planHarden(target, { request, ...found, device });
  if (plan.changes.length === 0) return result(target, found, 'nothing-to-do', plan);
  const kinds = new Set(plan.changes.map(({ step }) => step.kind));
  if (kinds.has('superblock') || kinds.has('device-superblock'))
    await requireTools(target, [{ name: 'tune2fs', package: 'e2fsprogs' }]);
  await requireWritableFolders(target, plan);
  await confirm(hardenPage(await result(target, found, 'planned', plan)), options, signal);
  await applyHarden(target, plan.changes, signal);
  return result(target, await surveyed(target, options), 'applied', plan);
}

async function undo(
  target: Target,
  options: HardenOptions,
  found: Found,
  signal: AbortSignal,
): Promise<HardenResult> {
  const planned = await undoResult(target, found, 'undone');
  const all = await transactions(target, 'harden');
  if (all.length === 0) return planned;
  const how = { force: options.force, device: deviceOf(options) };
  await refuseUndo(target, all, how);
  await confirm(hardenPage({ ...planned, result: 'planned' }), options, signal);
  const left = await undoHarden(target, how);
  const after = await surveyed(target, options);
  return {
    ...planned,
    ...after.survey,
    advice: adviceOn(after.survey),
    notes: left.map((words) => `left alone, because somebody else has changed it since: ${words}`),
    undoFolder: null,
  };
}

const NO_PLAN: HardenPlan = { changes: [], notes: [] };

async function undoResult(
  target: Target,
  found: Found,
  outcome: 'planned' | 'undone',
): Promise<HardenResult> {
  const changes = await plannedUndo(target);
  const base = await result(target, found, changes.length === 0 ? 'nothing-to-do' : outcome, NO_PLAN);
  return { ...base, changes };
}

/** Refused before anything is changed: a file system that is read-only takes neither files nor what an undo needs. */
async function requireWritableFolders(target: Target, { changes }: HardenPlan): Promise<void> {
  const folders = ['/var/lib', '/etc'];
  const needed = changes.some(({ step }) => step.kind === 'file') ? folders : folders.slice(0, 1);
  for (const folder of needed) {
    if ((await target.writable(folder)) !== 'read-only') continue;
    throw failure(
      'E_READ_ONLY',
      `${folder} of ${target.name} is on a read-only file system`,
      `${typed('recover')} first`,
    );
  }
}

interface Found {
  readonly survey: Survey;
  readonly init: InitSystem;
}

async function surveyed(target: Target, options: HardenOptions): Promise<Found> {
  const { family } = await readDistro(target);
  return {
    survey: await survey(target, await knowledgeOf(target, options.kernel), options.mountPoint ?? []),
    init: await detectInit(target, family),
  };
}

/** What the windows are reckoned by; a guest whose driver cannot be judged is shown all the same. */
async function knowledgeOf(target: Target, kernel: string | undefined): Promise<DriverKnowledge> {
  try {
    const { verdict, facts } = await assess(target, kernel);
    return { verdict, base: facts.kernel.base };
  } catch {
    return { verdict: 'unknown', base: undefined };
  }
}

const INTERRUPTED =
  'an earlier run was interrupted: the next --apply or --undo puts back what it had changed first';

const UNSEEN = 'only root may see what an earlier run has set here, and how it is undone';

function deviceOf({ device }: HardenOptions): string | undefined {
  return device === undefined ? undefined : resolve(device);
}

async function result(
  target: Target,
  { survey: found, init }: Found,
  outcome: HardenResult['result'],
  plan: HardenPlan,
): Promise<HardenResult> {
  const seen = await transactions(target, 'harden').catch((error: unknown) => {
    if (isCode(error, 'EACCES')) return undefined;
    throw error;
  });
  const all = seen ?? [];
  const open = all.some(({ state }) => state === 'open');
  return {
    schema: 'mptfix.harden/1',
    result: outcome,
    target: target.name,
    init,
    ...found,
    advice: adviceOn(found),
    changes: plan.changes.map(({ step }) => wordsOf(step)),
    notes: [...plan.notes, ...(open ? [INTERRUPTED] : []), ...(seen === undefined ? [UNSEEN] : [])],
    undoFolder: all.length > 0 ? placeOf('harden').folder : null,
  };
}

function show(options: HardenOptions, outcome: HardenResult): number {
  printResult(options, outcome, hardenPage(outcome));
  return 0;
}
