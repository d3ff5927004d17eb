import type { KernelMessage } from '../kernel-log/kmsg.ts';
import { logMarks, tellsTrouble } from '../kernel-log/marks.ts';

/** What the kernel's messages say about one disk. */
export interface DiskLog {
  /** After all that was said: it gave up, or it was mounted (again) since. */
  readonly standing: 'abort' | 'mounted';
  /** The message that made it so, and when. */
  readonly message: KernelMessage;
}

/** Collects, in constant memory, what messages say; the disks are bounded, for names come from messages. */
export interface LogCollector {
  readonly add: (message: KernelMessage) => void;
  readonly disks: ReadonlyMap<string, DiskLog>;
  /** The last messages that tell of trouble, for a mail. */
  readonly trouble: readonly KernelMessage[];
}

const MOST_DISKS = 4096;
const MOST_TROUBLE = 40;

export function logCollector(): LogCollector {
  const disks = new Map<string, DiskLog>();
  const trouble: KernelMessage[] = [];
  return {
    disks,
    trouble,
    add: (message) => {
      for (const { kind, device } of logMarks(message.text)) {
        if (kind === 'error') continue;
        // The first message of an abort is the one that tells when it began.
        if (kind === 'abort' && disks.get(device)?.standing === 'abort') continue;
        if (disks.size < MOST_DISKS || disks.has(device)) disks.set(device, { standing: kind, message });
      }
      if (!tellsTrouble(message.text)) return;
      trouble.push(message);
      if (trouble.length > MOST_TROUBLE) trouble.shift();
    },
  };
}
