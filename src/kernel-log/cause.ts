import { typed } from '../typed.ts';
import type { LogEvent } from './events.ts';
import { decodeResult, describeResult, hostByteValue } from './result-code.ts';

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
}

const HOST_BUS_BUSY = 0x02;
const STATUS_BUSY = 0x08;

/** The cause that this one message shows; undefined where it shows none. */
export function causeOf(event: LogEvent): Cause | undefined {
  const { code, hostbyte, driverbyte, seconds } = event.fields;
  if (event.id.startsWith('scsi-return-code') && code !== undefined) return causeOfCode(code);
  if (event.id === 'scsi-result' && hostbyte !== undefined) return causeOfHostByte(hostbyte, driverbyte);
  if (event.id !== 'scsi-timing-out') return undefined;
  const evidence = `the kernel retried the command for ${seconds ?? '?'} s and gave up`;
  return { cause: 'window-used-up', certainty: 'certain', evidence };
}

function causeOfCode(code: string): Cause {
  const result = decodeResult(Number.parseInt(code, 16));
  const text = describeResult(result);
  const isBusy = result.status.value === STATUS_BUSY;
  if (result.host.value === HOST_BUS_BUSY && isBusy) {
    const evidence = `${text}: the driver’s branch turned the storage’s BUSY into a bus error`;
    return { cause: 'this-bug', certainty: 'certain', evidence };
  }
  if (result.host.value === 0 && isBusy) {
    const evidence = `${text}: the driver passed BUSY on unchanged, and the kernel retried until its time limit`;
    return { cause: 'window-used-up', certainty: 'likely', evidence };
  }
  return { cause: 'other', certainty: 'certain', evidence: text };
}

/** From 2.6.22 the kernel prints no status byte. */
function causeOfHostByte(text: string, driver = '?'): Cause {
  if (hostByteValue(text) !== HOST_BUS_BUSY)
    return { cause: 'other', certainty: 'certain', evidence: `host byte ${text}, driver byte ${driver}` };
  const evidence = `host byte DID_BUS_BUSY; kernels from 2.6.22 do not print the status. It is this bug if the guest’s driver has the branch (${typed('check')} tells); virtio-scsi turns BUSY into the same`;
  return { cause: 'this-bug', certainty: 'likely', evidence };
}
