import type { Signal, State } from './evidence.ts';

/** What an abort makes of a file system; all but XFS still read what they have. */
const ABORTED: Readonly<Record<string, State>> = { xfs: 'shut-down' };

/**
 * The kernel said that it gave up on this disk, and nothing since says that it was mounted again. XFS never shows it
 * anywhere else. An earlier run's memory serves where the ring buffer has lost the message; a new mount ends it.
 */
export const kernelLog: Signal = ({ fileSystem, log, remembered, bootTime }) => {
  if (fileSystem.intended !== 'rw') return undefined;
  const state = ABORTED[fileSystem.fsType] ?? 'read-only';
  if (log?.standing === 'abort') {
    const since = bootTime === undefined ? undefined : new Date((bootTime + log.message.seconds) * 1000);
    return {
      kind: 'kernel-log',
      state,
      detail: `the kernel said: ${log.message.text}`,
      ...(since === undefined ? {} : { since: since.toISOString() }),
    };
  }
  if (log === undefined && remembered?.aborted !== undefined)
    return { kind: 'kernel-log', state, detail: `the kernel said: ${remembered.aborted}` };
  return undefined;
};
