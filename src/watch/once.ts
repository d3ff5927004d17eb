import { isFailure } from '../errors.ts';
import { PROBE_SECONDS, type ProbeResult, probe } from '../filesystems/probe.ts';
import type { Target } from '../machine/port.ts';
import { type Finding, type Look, look } from './look.ts';
import type { NotifyConfig } from './notify/config.ts';
import type { Told } from './notify/tell.ts';
import { emptyState, type StuckProbe, type WatchState } from './state/state.ts';
import { isRunning, lockState, readState, startOf, writeState } from './state/store.ts';
import { isAlarm } from './states.ts';

export interface OnceOptions {
  readonly probe: boolean;
  /** Undefined: nobody is told. Read only when there is something to tell. */
  readonly notify: (() => Promise<NotifyConfig>) | undefined;
}

export interface OnceResult {
  readonly look: Look;
  readonly told: readonly Told[];
  readonly notes: readonly string[];
}

/**
 * One look at the guest: compares it with what earlier runs saw, tells what has to be told, and keeps what the next
 * run needs. What goes wrong beside the look itself becomes a note: an alarm must not be lost for it.
 */
export async function watchOnce(target: Target, options: OnceOptions): Promise<OnceResult> {
  const notes: string[] = [];
  const state = await readState(target).catch((error: unknown) => {
    notes.push(`what earlier runs saw is not used: ${messageOf(error)}`);
    return undefined;
  });
  let stuck = state?.stuck;
  const seen = await look(target, {
    state: state ?? emptyState(''),
    ...(options.probe
      ? {
          probe: async (places) => {
            const sent = await sendProbe(places, stuck);
            stuck = sent.stuck;
            return sent.results;
          },
        }
      : {}),
  });
  const told: Told[] = [];
  if (state !== undefined) {
    const problem = await keep(target, seen, options, stuck, told).catch(messageOf);
    if (problem !== undefined) notes.push(problem);
  }
  return { look: seen, told, notes: [...seen.notes, ...notes] };
}

/** A process of an earlier run that still hangs on a disk answers for the places that it was sent to. */
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
  const detail = `a write that began in an earlier run has not come back (process ${held?.pid})`;
  const all = [...results, ...hanging.map((mountPoint) => ({ mountPoint, outcome: 'hang', detail }))];
  const start = stuck === undefined ? undefined : await startOf(stuck);
  if (stuck === undefined || start === undefined) return { results: all, stuck: held };
  const newly = all.filter(({ outcome }) => outcome === 'hang').map(({ mountPoint }) => mountPoint);
  return { results: all, stuck: { pid: stuck, start, places: newly } };
}

/** Under the lock, with the state read anew: another run may have told it in the meantime. */
async function keep(
  target: Target,
  seen: Look,
  options: OnceOptions,
  stuck: StuckProbe | undefined,
  told: Told[],
): Promise<string | undefined> {
  const before = await readState(target);
  if (!isNews(before, seen, stuck, options)) return undefined;
  const release = await lockState(target);
  if (release === undefined) return 'another run tells and keeps what there is';
  try {
    const state = await readState(target);
    const next: WatchState = {
      schema: state.schema,
      bootId: state.bootId,
      events: state.events,
      seen: remembered(seen.findings),
      ...(stuck === undefined ? {} : { stuck }),
    };
    const after =
      options.notify === undefined ? next : await tellAll(target, options.notify, seen, next, told);
    if (JSON.stringify(after) !== JSON.stringify(state)) await writeState(target, after);
    return undefined;
  } finally {
    await release();
  }
}

function isNews(
  state: WatchState,
  { findings }: Look,
  stuck: StuckProbe | undefined,
  options: OnceOptions,
): boolean {
  if (JSON.stringify([state.seen, state.stuck]) !== JSON.stringify([remembered(findings), stuck]))
    return true;
  return (
    options.notify !== undefined &&
    (findings.some((finding) => isAlarm(finding.state)) || Object.keys(state.events).length > 0)
  );
}

async function tellAll(
  target: Target,
  notify: () => Promise<NotifyConfig>,
  seen: Look,
  state: WatchState,
  told: Told[],
): Promise<WatchState> {
  const isAny =
    seen.findings.some((finding) => isAlarm(finding.state)) || Object.keys(state.events).length > 0;
  if (!isAny) return state;
  const { tell } = await import('./notify/tell.ts');
  const outcome = await tell(target, await notify(), seen, state, Date.now());
  told.push(...outcome.told);
  return outcome.state;
}

function remembered(findings: readonly Finding[]): WatchState['seen'] {
  return Object.fromEntries(findings.map(({ key, remember }) => [key, remember]));
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return isFailure(error) ? `${error.failure.code}: ${text}` : text;
}
