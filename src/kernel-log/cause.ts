import type { LogEvent } from './events.ts';
import { type DecodedResult, decodeResult, describeResult, hostByteValue } from './result-code.ts';

export type CauseName = 'this-bug' | 'window-used-up' | 'other';

/** What one message says about the cause of an I/O error. */
export interface Cause {
  /**
   * `this-bug`: the driver turned the storage's BUSY into DID_BUS_BUSY. `window-used-up`: the driver passed BUSY on, and
   * the storage stayed away for longer than the kernel retries.
   */
  readonly cause: CauseName;
  readonly certainty: 'certain' | 'likely';
  /** One sentence: what shows it. */
  readonly evidence: string;
  readonly result?: DecodedResult;
}

const HOST_BUS_BUSY = 0x02;
const STATUS_BUSY = 0x08;

/** The cause that this one message shows; undefined where it shows none. */
export function causeOf(event: LogEvent): Cause | undefined {
  if (event.id.startsWith('scsi-return-code')) return causeOfCode(event.fields.code);
  if (event.id === 'scsi-result') return causeOfHostByte(event.fields.hostbyte, event.fields.driverbyte);
  if (event.id === 'scsi-timing-out') {
    return {
      cause: 'window-used-up',
      certainty: 'certain',
      evidence: `the kernel retried the command for ${event.fields.seconds ?? '?'} s and gave up`,
    };
  }
  return undefined;
}

function causeOfCode(code: string | undefined): Cause | undefined {
  if (code === undefined) return undefined;
  const result = decodeResult(Number.parseInt(code, 16));
  const { host, status } = result;
  if (host.value === HOST_BUS_BUSY && status.value === STATUS_BUSY) {
    return {
      cause: 'this-bug',
      certainty: 'certain',
      evidence: `${describeResult(result)}: the driver’s branch turned the storage’s BUSY into a bus error`,
      result,
    };
  }
  if (host.value === 0 && status.value === STATUS_BUSY) {
    return {
      cause: 'window-used-up',
      certainty: 'likely',
      evidence: `${describeResult(result)}: the driver passed BUSY on unchanged, and the kernel retried until its time limit`,
      result,
    };
  }
  return { cause: 'other', certainty: 'certain', evidence: describeResult(result), result };
}

/** From 2.6.22 the kernel prints no status byte. */
function causeOfHostByte(text: string | undefined, driver: string | undefined): Cause | undefined {
  if (text === undefined) return undefined;
  if (hostByteValue(text) !== HOST_BUS_BUSY) {
    return {
      cause: 'other',
      certainty: 'certain',
      evidence: `host byte ${text}, driver byte ${driver ?? '?'}`,
    };
  }
  return {
    cause: 'this-bug',
    certainty: 'likely',
    evidence:
      'host byte DID_BUS_BUSY; kernels from 2.6.22 do not print the status. It is this bug if the guest’s driver has the branch (mptfix check); virtio-scsi turns BUSY into the same',
  };
}
