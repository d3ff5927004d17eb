import { causeOf } from '../kernel-log/cause.ts';
import type { LogEvent } from '../kernel-log/events.ts';
import {
  describeHypervisorFailure,
  type HypervisorMeaning,
  hypervisorFailure,
} from '../kernel-log/hypervisor.ts';
import type { Verdict } from './incident.ts';

/** What one message shows about the cause of an incident. */
export interface ShownCause {
  readonly cause: Verdict['cause'];
  readonly certainty: Verdict['certainty'];
  /** One sentence: what shows it. */
  readonly evidence: string;
  /** The SCSI host's number, H of H:C:I:L, where the message has it. */
  readonly host?: number | undefined;
}

/** Kernels print a result with eight digits or without leading zeros: this one goes on in a line that was cut off. */
const CUT_CODE = /^0[\da-f]{0,6}$/i;

/** The cause that this message shows; undefined where it shows none. */
export function shownCause(event: LogEvent): ShownCause | undefined {
  if (event.id.startsWith('scsi-return-code') && CUT_CODE.test(event.fields.code ?? '')) return undefined;
  const found: ShownCause | undefined =
    causeOf(event) ??
    causeOfSense(event) ??
    causeOfBlock(event) ??
    timeoutOf(event) ??
    causeOfHypervisor(event);
  if (found === undefined) return undefined;
  const host = event.fields.address?.split(':')[0];
  return host === undefined ? found : { ...found, host: Number(host) };
}

/** SPC-4, table "Sense key descriptions": these say that the device itself failed, or refused. */
const FAILED_SENSE: ReadonlySet<string> = new Set([
  'Not Ready',
  'Medium Error',
  'Hardware Error',
  'Illegal Request',
  'Data Protect',
  'Aborted Command',
  'Volume Overflow',
  'Miscompare',
]);

function causeOfSense({ id, fields }: LogEvent): ShownCause | undefined {
  if (!id.startsWith('scsi-sense') || !FAILED_SENSE.has(fields.what ?? '')) return undefined;
  return {
    cause: 'other',
    certainty: 'certain',
    evidence: `the device’s own answer: sense key ${fields.what}`,
  };
}

/** Of `blk_errors[]` in block/blk-core.c, what the kernel made from a sense code or a transport's word. */
const FAILED_BLOCK =
  /^(?:recoverable transport|critical target|critical nexus|reservation conflict|critical medium|critical space allocation|protection)$/;

function causeOfBlock({ layer, fields: { what } }: LogEvent): ShownCause | undefined {
  if (layer !== 'block' || what === undefined) return undefined;
  if (what === 'timeout') return timeouts('the block layer says: timeout error');
  if (!FAILED_BLOCK.test(what)) return undefined;
  return { cause: 'other', certainty: 'certain', evidence: `the block layer says: ${what} error` };
}

const ABORTS: ReadonlySet<string> = new Set([
  'scsi-task-abort',
  'scsi-abort-2.4',
  'scsi-reset-2.4',
  'scsi-bus-reset-2.4',
]);

/** Commands ran out of time: the kernel or the driver gave up waiting, and took them back or reset something. */
function timeoutOf({ id, fields }: LogEvent): ShownCause | undefined {
  if (id.includes('recovery-attempt')) return timeouts(`${fields.step ?? 'a command’s abort'} attempted`);
  if (id.includes('recovery-result'))
    return timeouts(`${fields.step ?? 'error recovery'}: ${fields.what ?? 'ended'}`);
  if (ABORTS.has(id)) return timeouts(`${fields.step ?? 'abort or reset'}, for a command got no answer`);
  if (id.startsWith('scsi-offlined'))
    return timeouts('the kernel took the disk offline, for it did not answer after error recovery');
  if (id === 'mpt-fault') return timeouts('the adapter was in a fault state, and was reset');
  return undefined;
}

function timeouts(evidence: string): ShownCause {
  return { cause: 'timeouts', certainty: 'likely', evidence };
}

/** What the storage's answer to a hypervisor says about a guest: that it could not answer a guest then is no cause yet. */
const BELOW: Readonly<Record<HypervisorMeaning, Verdict['cause']>> = {
  busy: 'cause-not-told',
  'path-lost': 'cause-not-told',
  timeout: 'timeouts',
  'queue-full': 'other',
  'array-failure': 'other',
  reservation: 'other',
  full: 'other',
  refused: 'cause-not-told',
  other: 'cause-not-told',
};

function causeOfHypervisor(event: LogEvent): ShownCause | undefined {
  if (event.layer !== 'hypervisor') return undefined;
  const failure = hypervisorFailure(event);
  if (failure === undefined) {
    const evidence = event.id.includes('all-paths')
      ? 'the hypervisor lost all paths to the storage'
      : 'the hypervisor asked for the state of its paths';
    return { cause: 'cause-not-told', certainty: 'certain', evidence };
  }
  const evidence = `${describeHypervisorFailure(failure)}: ${failure.explanation}`;
  return { cause: BELOW[failure.meaning], certainty: 'certain', evidence };
}

/** A hypervisor asks what an array cannot do, and is refused. */
export function isHarmless(event: LogEvent): boolean {
  return hypervisorFailure(event)?.meaning === 'refused';
}
