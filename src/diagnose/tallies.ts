import { diskOfPartition } from '../kernel-log/devices.ts';
import type { LogEvent } from '../kernel-log/events.ts';
import { type ShownCause, shownCause } from './causes.ts';
import type { DiskHit, Verdict } from './incident.ts';

interface Disk {
  name?: string;
  address?: string;
  errors: number;
  readonly causes: ReturnType<typeof causeTally>;
}

/** A storage that loses its paths affects many disks, but not thousands. */
const MAX_DISKS = 256;
const BLOCK_ERRORS = new Set(['block-error', 'block-error-2.4', 'block-error-2.4-name', 'buffer-error']);

/** Collects what messages say about disks, and joins the names and addresses of one disk. */
export function diskTally() {
  const disks: Disk[] = [];
  /** The disk of the last SCSI message with an address and no name: its block error follows directly. */
  let unnamed: Disk | undefined;

  const find = (name: string | undefined, address: string | undefined): Disk | undefined => {
    const byName = name === undefined ? undefined : disks.find((disk) => disk.name === name);
    const byAddress = address === undefined ? undefined : disks.find((disk) => disk.address === address);
    const known = byName ?? byAddress;
    if (known !== undefined) return known;
    if (disks.length >= MAX_DISKS || (name === undefined && address === undefined)) return undefined;
    const disk: Disk = { errors: 0, causes: causeTally() };
    disks.push(disk);
    return disk;
  };

  return {
    add: (event: LogEvent, count: number): ShownCause | undefined => {
      const { device, address } = event.fields;
      const cause = shownCause(event);
      const name = diskNameOf(event, device);
      if (event.layer !== 'scsi' && !BLOCK_ERRORS.has(event.id)) return cause;
      if (unnamed !== undefined && name !== undefined && address === undefined) {
        if (!disks.some((disk) => disk.name === name)) unnamed.name = name;
        unnamed = undefined;
      }
      const disk = find(name, address);
      if (disk === undefined) return cause;
      if (name !== undefined) disk.name ??= name;
      if (address !== undefined) disk.address ??= address;
      unnamed = address !== undefined && disk.name === undefined ? disk : undefined;
      if (cause !== undefined) disk.causes.add(cause, count, event.writer === 'kernel');
      if (BLOCK_ERRORS.has(event.id)) disk.errors += count;
      return cause;
    },
    disks: (judge: Judge): readonly DiskHit[] => disks.map((disk) => hit(disk, judge)),
  };
}

/** A device-mapper device is no disk, and no message of the block layer says on which disk it is. */
function diskNameOf(event: LogEvent, device: string | undefined): string | undefined {
  if (device === undefined || device.startsWith('dm-')) return undefined;
  return event.layer === 'scsi' ? device : diskOfPartition(device);
}

function hit({ name, address, errors, causes }: Disk, judge: Judge): DiskHit {
  const lun = address?.split(':')[3];
  return {
    name: name ?? null,
    address: address ?? null,
    lun: lun === undefined ? null : Number(lun),
    errors,
    results: causes.results(),
    verdict: causes.verdict(judge),
  };
}

interface Counted {
  readonly cause: ShownCause;
  count: number;
  /** Whether the kernel surely wrote one of them. */
  proved: boolean;
}

/** Takes account of what else is known of the machine. */
export type Judge = (cause: ShownCause) => ShownCause;

const MAX_DIFFERENT = 64;

/** Counts causes; memory is bounded by the number of different ones. */
export function causeTally() {
  const seen = new Map<string, Counted>();
  return {
    add: (cause: ShownCause, count: number, proved: boolean): void => {
      const key = `${cause.host ?? ''} ${cause.evidence}`;
      const known = seen.get(key);
      if (known !== undefined) {
        known.count += count;
        known.proved ||= proved;
      } else if (seen.size < MAX_DIFFERENT) seen.set(key, { cause, count, proved });
    },
    /** What the kernel surely wrote outweighs what is only reported. */
    verdict: (judge: Judge): Verdict => {
      const all = [...seen.values()].map((one) => ({ ...one, cause: judge(one.cause) }));
      const facts = all.filter(({ proved }) => proved);
      return verdictOf(facts.length > 0 ? facts : all);
    },
    /** Each piece of evidence, with how often it was seen. */
    results: () => [...seen.values()].map(({ cause, count }) => ({ text: cause.evidence, count })),
  };
}

/** Which of several findings decides: the first row that fits. */
const RULES: readonly ((cause: ShownCause) => boolean)[] = [
  // The status byte was seen: nothing else turns BUSY into this on these kernels.
  ({ cause, certainty }) => cause === 'this-bug' && certainty === 'certain',
  // The kernel itself says that it retried. With the branch in the driver it never gets that far.
  ({ cause, certainty }) => cause === 'window-used-up' && certainty === 'certain',
  ({ cause }) => cause === 'window-used-up',
  ({ cause }) => cause === 'this-bug',
  ({ cause }) => cause === 'other',
  ({ cause }) => cause === 'timeouts',
  ({ cause }) => cause === 'cause-not-told',
];

function verdictOf(seen: readonly Counted[]): Verdict {
  for (const fits of RULES) {
    const first = seen.find(({ cause }) => fits(cause))?.cause;
    if (first === undefined) continue;
    const { cause, certainty } = first;
    return { cause, certainty, evidence: evidence(seen.filter((one) => one.cause.cause === cause)) };
  }
  return {
    cause: 'cause-not-told',
    certainty: 'certain',
    evidence: ['the log has no result of a SCSI command, so it does not show the cause'],
  };
}

function evidence(seen: readonly Counted[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { cause, count } of seen) counts.set(cause.evidence, (counts.get(cause.evidence) ?? 0) + count);
  return [...counts].map(([text, count]) => `${text} (${count} ${count === 1 ? 'message' : 'messages'})`);
}

/** The worst first. Errors whose cause nobody knows may be any of those above; timeouts alone lost nothing yet. */
const ORDER = { 'this-bug': 0, 'window-used-up': 1, other: 2, 'cause-not-told': 3, timeouts: 4 } as const;

/** The worst of several verdicts. */
export function worst(verdicts: readonly Verdict[]): Verdict | undefined {
  return [...verdicts].sort((a, b) => ORDER[a.cause] - ORDER[b.cause])[0];
}
