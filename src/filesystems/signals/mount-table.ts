import type { Signal, State } from './evidence.ts';

interface Flag {
  readonly option: string;
  readonly state: State;
  readonly detail: string;
  /** Whether somebody may have wanted it. */
  readonly byIntent: boolean;
}

/** Options of the superblock. `emergency_ro` and `shutdown` are ext4's from 6.15 on, where the table keeps `rw`. */
const FLAGS: readonly Flag[] = [
  { option: 'shutdown', state: 'shut-down', detail: 'was shut down by the kernel', byIntent: false },
  { option: 'emergency_ro', state: 'read-only', detail: 'the kernel gave up writing to it', byIntent: false },
  { option: 'ro', state: 'read-only', detail: 'is read-only', byIntent: true },
];

/** The mount table says so, and nobody wanted it. Media are never written, whatever it says. */
export const mountTable: Signal = ({ fileSystem, remembered }) => {
  const { kind, intended, mounts, fstab } = fileSystem;
  if (kind === 'media') return undefined;
  const wanted = intended === 'rw' || remembered?.writable === true;
  const flag = FLAGS.find(
    ({ option, byIntent }) =>
      (wanted || !byIntent) && mounts.some(({ superOptions }) => superOptions.includes(option)),
  );
  if (flag === undefined) return undefined;
  const { option, state, detail } = flag;
  return {
    kind: 'mount-table',
    state,
    detail: `${detail} (${option} in the mount table)${expected(fstab?.line, remembered?.writable === true, option)}`,
  };
};

function expected(line: number | undefined, seenWritable: boolean, option: string): string {
  if (option !== 'ro') return '';
  if (line !== undefined) return `; fstab, line ${line}, wants it writable`;
  return seenWritable ? '; an earlier run saw it writable' : '; it was mounted to be written';
}
