import { type Failure, isFailure } from '../errors.ts';
import { PROBE_SECONDS, type ProbeResult, probe } from '../filesystems/probe.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { isAlarm } from './condition.ts';
import type { Notified } from './document.ts';
import { type Finding, type Look, look } from './look.ts';
import { machineOf } from './machine-of.ts';
import { CONFIG_FILE, type UsableConfig } from './notify/config.ts';
import { whyNoWay } from './notify/way.ts';
import {
  emptyState,
  isRunning,
  lockState,
  readState,
  type StuckProbe,
  startOf,
  type WatchState,
  writeState,
} from './state.ts';

export interface OnceOptions {
  readonly probe: boolean;
  /** Undefined: nobody is notified. Read at each look, so that what is wrong with it is said while all is well. */
  readonly notify: (() => Promise<UsableConfig | undefined>) | undefined;
}

export interface OnceResult {
  readonly look: Look;
  readonly notified: readonly Notified[];
  /** Mount points of alarms that somebody is to be told of, and nobody was yet. */
  readonly untold: readonly string[];
  /** What is wrong with the configuration. */
  readonly problem: Failure | undefined;
  readonly notes: readonly string[];
}

/**
 * One look at the guest: compares it with what earlier runs saw, sends the notices that are due, and keeps what the next
 * run needs. What goes wrong beside the look itself becomes a note: an alarm must not be lost for it.
 */
export async function watchOnce(target: Target, options: OnceOptions): Promise<OnceResult> {
  const notes: string[] = await notesAboutTree(target, options);
  const state = await stateOf(target, options).catch((error: unknown) => {
    notes.push(`what earlier runs saw is not used: ${messageOf(error)}`);
    return undefined;
  });
  let stuck = state?.stuck;
  const probePlaces = async (places: readonly string[]): Promise<readonly ProbeResult[]> => {
    const sent = await sendProbe(places, stuck);
    stuck = sent.stuck;
    return sent.results;
  };
  const seen = await look(target, {
    state: state ?? emptyState(''),
    probe: options.probe ? probePlaces : undefined,
  });
  // After the look: the configuration may lie on the disk that fails.
  const notify = await options.notify?.();
  const notified: Notified[] = [];
  let kept = state;
  if (state !== undefined && isKept(target, options)) {
    const done = await keep(target, { seen, stuck, notify, notified }).catch(messageOf);
    if (typeof done === 'string') notes.push(done);
    else kept = done;
  }
  const noWay =
    notify === undefined || notify.problem !== undefined
      ? undefined
      : await whyNoWay(machineOf(target), notify.config);
  if (noWay !== undefined) notes.push(noWay);
  const untold = notify === undefined ? [] : untoldOf(seen.findings, kept);
  return { look: seen, notified, untold, problem: notify?.problem, notes: [...seen.notes, ...notes] };
}

/** The kernel's log of a machine that fails reaches nobody. */
function untoldOf(findings: readonly Finding[], state: WatchState | undefined): readonly string[] {
  return findings.flatMap(({ key, state: current, fileSystem }) => {
    const isTold = state?.events[key]?.reached?.includes(current) === true;
    return isAlarm(current) && !isTold ? [fileSystem.mountPoint] : [];
  });
}

/** A look at a tree keeps nothing, unless somebody is notified and must be only once. */
function isKept(target: Target, { notify }: OnceOptions): boolean {
  return traitsOf(target).isHere || notify !== undefined;
}

async function stateOf(target: Target, options: OnceOptions): Promise<WatchState> {
  return isKept(target, options) ? readState(target) : emptyState('');
}

/** Whose configuration counts is said where somebody could expect the tree's. */
async function notesAboutTree(target: Target, { notify }: OnceOptions): Promise<string[]> {
  if (traitsOf(target).isHere) return [];
  if (notify !== undefined) return [`notices go out by this machine’s configuration: ${TREES_IS_NOT_READ}`];
  const hasOwn = (await target.lstat(CONFIG_FILE).catch(() => undefined)) !== undefined;
  return hasOwn ? [`nobody is notified without --to or --config: ${TREES_IS_NOT_READ}`] : [];
}

const TREES_IS_NOT_READ = `the tree’s own ${CONFIG_FILE} is not read`;

/** A process of an earlier run that still waits for a disk answers for the places that it was sent to. */
async function sendProbe(
  places: readonly string[],
  before: StuckProbe | undefined,
): Promise<{ readonly results: readonly ProbeResult[]; readonly stuck: StuckProbe | undefined }> {
  const held = before !== undefined && (await isRunning(before)) ? before : undefined;
  const hanging = places.filter((place) => held?.places.includes(place) === true);
  const { results, stuck } = await probe(
    places.filter((place) => !hanging.includes(place)),
    PROBE_SECONDS,
  );
  const detail = `a write that began in an earlier run has not returned (process ${held?.pid})`;
  const all = [...results, ...hanging.map((mountPoint) => ({ mountPoint, outcome: 'hang', detail }))];
  const start = stuck === undefined ? undefined : await startOf(stuck);
  if (stuck === undefined || start === undefined) return { results: all, stuck: held };
  const newly = all.filter(({ outcome }) => outcome === 'hang').map(({ mountPoint }) => mountPoint);
  return { results: all, stuck: { pid: stuck, start, places: newly } };
}

/** What a run has seen, to be compared with what the runs before it saw. */
interface Run {
  readonly seen: Look;
  readonly stuck: StuckProbe | undefined;
  readonly notify: UsableConfig | undefined;
  /** Takes the notices as they are sent: they are known also where keeping the state fails after that. */
  readonly notified: Notified[];
}

/**
 * Under the lock, with the state read again: another run may have sent the notice in the meantime.
 * @returns the state as it is kept now, or why it is not
 */
async function keep(target: Target, run: Run): Promise<WatchState | string> {
  const before = await readState(target);
  if (!isNews(before, run)) return before;
  const release = await lockState(target);
  if (release === undefined) return 'another run is sending notices and keeping the state';
  try {
    const state = await readState(target);
    const next: WatchState = { ...state, seen: remembered(run.seen.findings), stuck: run.stuck };
    const after = await notifyAll(target, run, next);
    if (JSON.stringify(after) !== JSON.stringify(state)) await writeState(target, after);
    return after;
  } finally {
    await release();
  }
}

function isNews(state: WatchState, run: Run): boolean {
  const { seen, stuck } = run;
  const isSame =
    JSON.stringify([state.seen, state.stuck]) === JSON.stringify([remembered(seen.findings), stuck]);
  return !isSame || mayBeDue(state, run);
}

/** Whether there is an alarm, or was one that somebody was notified of. */
function mayBeDue({ events }: WatchState, { seen, notify }: Run): boolean {
  if (notify === undefined) return false;
  return seen.findings.some(({ state }) => isAlarm(state)) || Object.keys(events).length > 0;
}

/** Answers the state after all notices that were due. */
async function notifyAll(target: Target, run: Run, state: WatchState): Promise<WatchState> {
  if (run.notify === undefined || !mayBeDue(state, run)) return state;
  const { sendDue } = await import('./notify/notify.ts');
  const sent = await sendDue(target, run.notify, { seen: run.seen, state, now: Date.now() });
  run.notified.push(...sent.notified);
  return sent.state;
}

function remembered(findings: readonly Finding[]): WatchState['seen'] {
  return Object.fromEntries(findings.map(({ key, remember }) => [key, remember]));
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return isFailure(error) ? `${error.failure.code}: ${text}` : text;
}
