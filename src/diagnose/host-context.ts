import type { Distro } from '../guest/distro.ts';
import type { Adapter } from './adapters.ts';
import type { ShownCause } from './causes.ts';
import type { KernelOfLog } from './incident.ts';
import { cannotHaveBranch, kernelOfLog, type NamedKernel } from './kernel-word.ts';
import { shortHost } from './merge.ts';
import type { TimedNote } from './stream.ts';

/** What is known of the machine whose log it is, apart from the log. */
export interface MachineFacts {
  /** Its host's name; undefined where it is not known. A log server has the logs of many. */
  readonly host?: string | undefined;
  readonly distro?: Pick<Distro, 'id' | 'family'> | undefined;
  readonly kernel?: NamedKernel | undefined;
  /** The adapters that the machine has now, by the number of their SCSI host. */
  readonly adapters?: ReadonlyMap<number, Adapter> | undefined;
}

/** The same, as far as it holds for this host of its logs. What the user says with --kernel holds for all. */
export function factsOfHost(facts: MachineFacts, host: string | null): MachineFacts {
  if (host === null || facts.host === undefined || shortHost(host) === shortHost(facts.host)) return facts;
  return facts.kernel?.said === 'option' ? { kernel: facts.kernel } : {};
}

/** When an incident was, in milliseconds since the epoch; null where the log has no times. */
export interface Period {
  readonly start: number | null;
  readonly end: number | null;
}

const NEAR_MS = 20 * 60 * 1000;
const MAX_KEPT = 200;

/** What one start of the machine tells: a reboot may bring another kernel, and give SCSI hosts other numbers. */
export interface Boot {
  readonly kernel: KernelOfLog | undefined;
  /** The adapters that introduced themselves, by the number of their SCSI host. */
  readonly introduced: Map<number, Adapter>;
  /** The boot after this one. Where a log begins later than its boot, that is the best word on it. */
  next: Boot | undefined;
}

interface Kept {
  readonly text: string;
  readonly at: number | null;
}

/** Collects what one machine's log says beside its messages, in bounded memory. */
export function hostContext(facts: MachineFacts) {
  let boot: Boot = { kernel: undefined, introduced: new Map(), next: undefined };
  let spoken: (Kept & { readonly fusion: boolean })[] = [];
  let lost: Kept[] = [];
  let cut: Kept[] = [];

  const add = ({ note, at }: TimedNote): void => {
    if (note.kind === 'kernel') {
      const kernel = kernelOfLog({ release: note.release, said: 'log' }, facts.distro);
      const next: Boot = { kernel, introduced: new Map(), next: undefined };
      boot.next = next;
      boot = next;
    } else if (note.kind === 'adapter') {
      const { adapter } = note;
      if (adapter.host !== undefined && boot.introduced.size < MAX_KEPT)
        boot.introduced.set(adapter.host, adapter);
      if (adapter.introduced !== true || adapter.fusion)
        spoken = kept(spoken, { text: adapter.name, fusion: adapter.fusion, at });
    } else if (note.kind === 'lost') lost = kept(lost, { text: note.what, at });
    else cut = kept(cut, { text: note.what, at });
  };

  /** The kernel that wrote an incident of this boot. */
  const kernelOf = (then: Boot): KernelOfLog | undefined => {
    const named = facts.kernel;
    const outside = named === undefined ? undefined : kernelOfLog(named, facts.distro);
    if (named?.said === 'option') return outside;
    const later = then.next?.kernel;
    return then.kernel ?? (later === undefined ? outside : { ...later, said: 'later' });
  };

  const adapterOfHost = (host: number, then: Boot): Adapter | undefined =>
    then.introduced.get(host) ?? then.next?.introduced.get(host) ?? facts.adapters?.get(host);

  /** Whose answer DID_BUS_BUSY is. Only of the LSI Fusion MPT driver, in a kernel that can have the branch, is it this bug. */
  const judge = (cause: ShownCause, period: Period, then: Boot): ShownCause => {
    if (cause.cause !== 'this-bug') return cause;
    const result = cause.evidence.split(/[:;]/)[0] ?? '';
    const { host } = cause;
    const adapter = host === undefined ? undefined : adapterOfHost(host, then);
    if (adapter !== undefined && !adapter.fusion)
      return notOurs(
        `${result}, from ${adapter.name} (SCSI host ${host}): not the LSI Fusion MPT driver`,
        true,
      );
    const near = spoken.filter((one) => isNear(one, period));
    const others = [...new Set(near.filter(({ fusion }) => !fusion).map(({ text }) => text))];
    const isFusion = adapter?.fusion === true || spoken.some(({ fusion }) => fusion);
    if (others.length > 0 && !isFusion)
      return notOurs(
        `${result}, beside messages of ${others.join(', ')} and none of the LSI Fusion MPT driver`,
        false,
      );
    const writer = kernelOf(then);
    if (writer !== undefined && cannotHaveBranch(writer)) return ofOtherKernel(cause, result, writer);
    if (writer === undefined && cause.certainty === 'likely')
      return { ...cause, evidence: `${cause.evidence}; ${NEWER_FORM}` };
    if (others.length === 0 || adapter !== undefined) return cause;
    const evidence = `${cause.evidence}; the log has messages of ${others.join(', ')} too, so look whose disk it is`;
    return { ...cause, certainty: 'likely', evidence };
  };

  return {
    add,
    judge,
    kernelOf,
    /** The present one; what is known of it may grow. */
    boot: (): Boot => boot,
    adapters: (period: Period): readonly string[] => [
      ...new Set(spoken.filter((one) => isNear(one, period)).map(({ text }) => text)),
    ],
    /** Why the message that tells the cause may not be there, one clause each. */
    doubts: (period: Period): readonly string[] => [
      ...new Set([
        ...cut
          .filter((one) => isNear(one, period))
          .map(({ text }) => `the result of a command is cut off or wrapped here: “${text}”`),
        ...lost.filter((one) => isNear(one, period)).map(({ text }) => text),
      ]),
    ],
  };
}

export type HostContext = ReturnType<typeof hostContext>;

function notOurs(evidence: string, certain: boolean): ShownCause {
  return { cause: 'other', certainty: certain ? 'certain' : 'likely', evidence };
}

/** scsi_print_result() came with 2.6.22, and so did the driver without the branch. */
const NEWER_FORM = 'kernels print it so from 2.6.22 on, and their own driver no longer has the branch';
const NOT_OF_THEN: ReadonlySet<KernelOfLog['said']> = new Set(['guest', 'later']);

/** A module from elsewhere could still have the branch; and a guest's present kernel need not be that of then. */
function ofOtherKernel(cause: ShownCause, result: string, kernel: KernelOfLog): ShownCause {
  const cannot = `${kernel.release} cannot have the branch (${kernel.detail})`;
  if (NOT_OF_THEN.has(kernel.said) && cause.certainty === 'certain') {
    const evidence = `${cause.evidence}; it was another kernel or another driver then, for the guest’s later kernel, ${cannot}`;
    return { ...cause, certainty: 'likely', evidence };
  }
  return notOurs(`${result}, but kernel ${cannot}: only a driver from elsewhere could`, false);
}

function kept<Item extends Kept>(all: readonly Item[], one: Item): Item[] {
  const same = all.findIndex(({ text, at }) => text === one.text && isSame(at, one.at));
  return same === -1 ? [...all.slice(1 - MAX_KEPT), one] : [...all];
}

/** Of one adapter's many messages one every few minutes is enough. */
function isSame(before: number | null, after: number | null): boolean {
  return before === after || (before !== null && after !== null && Math.abs(after - before) < NEAR_MS / 4);
}

function isNear({ at }: Kept, { start, end }: Period): boolean {
  if (at === null || start === null) return true;
  return at >= start - NEAR_MS && at <= (end ?? start) + NEAR_MS;
}
