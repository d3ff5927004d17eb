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
/** Disks of the kernel: not device mapper's, loops or RAIDs, which are on disks. */
const DISK_NAME = /^(?:sd|hd|vd|xvd)[a-z]{1,3}$|^(?:nvme\d+n\d+|cciss!c\d+d\d+)$/;
const BLOCK_ERRORS = new Set(['block-error', 'block-error-2.4', 'block-error-2.4-name', 'buffer-error']);

/** Collects what messages say about disks, and joins the names and addresses of one disk. */
export function diskTally() {
  const disks: Disk[] = [];
  /** The disk of the last SCSI message with an address and no name: its block error follows directly. */
  let unnamed: Disk | undefined;
  /** The cause that a message showed without naming any disk: the block error that follows does. */
  let pending: { readonly cause: ShownCause; readonly count: number; readonly proved: boolean } | undefined;
  /** Disks that only messages of other layers name: a file system's, or a path's. */
  const elsewhere = new Set<string>();
  const nameElsewhere = (device: string): void => {
    const name = diskOfPartition(device);
    if (DISK_NAME.test(name) && elsewhere.size < MAX_DISKS) elsewhere.add(name);
  };

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
      if (event.layer !== 'scsi' && !BLOCK_ERRORS.has(event.id)) {
        if (device !== undefined) nameElsewhere(device);
        return cause;
      }
      if (name === undefined && address === undefined && cause !== undefined)
        pending = { cause, count, proved: event.writer === 'kernel' };
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
      if (BLOCK_ERRORS.has(event.id)) {
        disk.errors += count;
        if (pending !== undefined) disk.causes.add(pending.cause, pending.count, pending.proved);
        pending = undefined;
      }
      return cause;
    },
    named: nameElsewhere,
    /** @param names of disks by their addresses, where other messages told them */
    disks: (judge: Judge, names: ReadonlyMap<string, string>): readonly DiskHit[] => {
      for (const disk of disks) {
        const name = names.get(disk.address ?? '');
        if (name !== undefined && !disks.some((one) => one.name === name)) disk.name ??= name;
      }
      const nameless = disks.filter(({ name }) => name === undefined);
      const free = [...elsewhere].filter((name) => !disks.some((disk) => disk.name === name));
      const [only] = nameless;
      if (only !== undefined && nameless.length === 1 && free.length === 1) only.name = free[0] ?? '';
      if (disks.length > 0) return disks.map((disk) => hit(disk, judge));
      const causes = causeTally();
      if (pending !== undefined && free.length === 1)
        causes.add(pending.cause, pending.count, pending.proved);
      return free.map((name) => hit({ name, errors: 0, causes }, judge));
    },
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
