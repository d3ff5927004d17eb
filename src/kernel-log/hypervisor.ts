import type { LogEvent } from './events.ts';
import { DEVICE, HOST, PLUGIN, SENSE, SENSE_KEY } from './hypervisor-names.ts';
import type { Names } from './result-code.ts';
import type { Fields } from './signature.ts';

/** One of the three statuses of a command, each from another layer below the guest. */
export interface HypervisorStatus {
  readonly value: number;
  /** VMware's name without its prefix, such as `BUSY`; null where it has none. */
  readonly name: string | null;
}

/** What the array says about a command that it checked. */
export interface HypervisorSense {
  readonly key: HypervisorStatus;
  readonly asc: number;
  readonly ascq: number;
  /** For a person: what key, ASC and ASCQ mean together; null where they are not known here. */
  readonly text: string | null;
}

/**
 * `busy`: the storage answered BUSY, which is what the driver's bug in the guest turns into an error. `queue-full`: it
 * answered that its queue is full. `array-failure`: the array itself failed inside. `path-lost`: the hypervisor did not
 * reach it. `timeout`: no answer, or the command was given up. `reservation`: another host holds the volume. `full`: the
 * pool behind a thin volume has no space. `refused`: the array does not know or not allow such a command; harmless.
 */
export type HypervisorMeaning =
  | 'busy'
  | 'queue-full'
  | 'array-failure'
  | 'path-lost'
  | 'timeout'
  | 'reservation'
  | 'full'
  | 'refused'
  | 'other';

/** A command that failed below the guest, decoded from a line of a hypervisor's log. */
export interface HypervisorFailure {
  readonly product: 'ESX';
  /** The volume's name, such as `naa.6005…`; null where the line has only a path. */
  readonly volume: string | null;
  /** `vmhba1:C0:T0:L4`; null where the line has only a volume. */
  readonly path: string | null;
  /** The SCSI command: 0x28 is a read, 0x2a a write; null where the line does not have it. */
  readonly opcode: number | null;
  /** H: what the hypervisor's adapter says. */
  readonly host: HypervisorStatus;
  /** D: what the storage says. */
  readonly device: HypervisorStatus;
  /** P: what the hypervisor's multipathing says; null on ESX 3, which has none. */
  readonly plugin: HypervisorStatus | null;
  /** Null where the storage gave none: "Possible sense data" is not valid (VMware's article 289902). */
  readonly sense: HypervisorSense | null;
  readonly meaning: HypervisorMeaning;
  /** One sentence for a person. */
  readonly explanation: string;
}

/** Which meaning the statuses have: the first row that fits. H counts before D, and D before the sense (vmkapi). */
const MEANINGS: readonly {
  readonly meaning: HypervisorMeaning;
  readonly fits: (one: Statuses) => boolean;
  readonly explanation: string;
}[] = [
  {
    meaning: 'path-lost',
    fits: ({ host }) => host === 1 || host === 2 || host === 4,
    explanation: 'the hypervisor did not reach the storage on this path, and tries another one',
  },
  {
    meaning: 'timeout',
    fits: ({ host }) => host === 3 || host === 5 || host === 8,
    explanation: 'the storage did not answer in time, and the command was given up or reset',
  },
  {
    meaning: 'busy',
    fits: ({ host, device }) => host === 0 && device === 0x08,
    explanation:
      'the storage answered BUSY, as it does during a path failover: this is what an affected guest’s driver turns into an I/O error',
  },
  {
    meaning: 'queue-full',
    fits: ({ host, device }) => host === 0 && device === 0x28,
    explanation: 'the storage’s queue was full: it has more to do than it can, which is no path failover',
  },
  {
    meaning: 'reservation',
    fits: ({ host, device, plugin }) => host === 0 && (device === 0x18 || plugin === 3),
    explanation: 'another host held a reservation of the volume',
  },
  {
    meaning: 'full',
    fits: ({ plugin, asc, ascq }) =>
      plugin === 6 || plugin === 7 || plugin === 8 || (asc === 0x27 && ascq === 0x07),
    explanation: 'the pool behind a thin volume has no space left',
  },
  {
    meaning: 'array-failure',
    fits: ({ key }) => key === 4 || key === 3,
    explanation: 'the array itself failed inside; that is no path failover, and no guest’s driver can help',
  },
  {
    meaning: 'path-lost',
    fits: ({ key, asc, ascq }) =>
      key === 2 || (key === 6 && ((asc === 0x2a && ascq === 0x06) || asc === 0x3f)),
    explanation: 'the volume or its paths were changing state, as during a path failover',
  },
  {
    meaning: 'refused',
    fits: ({ key }) => key === 5,
    explanation: 'the array does not support this command; hypervisors ask such things, and it is harmless',
  },
];

interface Statuses {
  readonly host: number;
  readonly device: number;
  readonly plugin: number | undefined;
  readonly key: number | undefined;
  readonly asc: number | undefined;
  readonly ascq: number | undefined;
}

const CHECK_CONDITION = 2;

/**
 * Decodes a command that failed below the guest, `esx-command-failed` and its form of ESX 3; undefined for any other
 * message. Every event of layer `hypervisor` shows that its log is not a guest's.
 */
export function hypervisorFailure({
  id,
  fields,
}: Pick<LogEvent, 'id' | 'fields'>): HypervisorFailure | undefined {
  if (!id.startsWith('esx-command-failed')) return undefined;
  const base = id === 'esx-command-failed-3' ? 10 : 16;
  const host = numberOf(fields.hostbyte, base) ?? 0;
  const device = numberOf(fields.deviceStatus, base) ?? 0;
  const plugin = numberOf(fields.pluginStatus, 16);
  const sense = device === CHECK_CONDITION && fields.what !== 'Possible' ? senseOf(fields) : undefined;
  const { key, asc, ascq } = { key: sense?.key.value, asc: sense?.asc, ascq: sense?.ascq };
  const found = MEANINGS.find(({ fits }) => fits({ host, device, plugin, key, asc, ascq }));
  return {
    product: 'ESX',
    volume: fields.volume ?? null,
    path: fields.path ?? null,
    opcode: numberOf(fields.opcode, 16) ?? null,
    host: named(HOST, host),
    device: named(DEVICE, device),
    plugin: plugin === undefined ? null : named(PLUGIN, plugin),
    sense: sense ?? null,
    meaning: found?.meaning ?? 'other',
    explanation: found?.explanation ?? 'a command failed below the guest',
  };
}

/** For a person: `H:0x0 OK, D:0x2 CHECK_CONDITION, P:0x0 GOOD, sense 0x4/0x44/0x0 HARDWARE ERROR: an internal failure of the array`. */
export function describeHypervisorFailure({ host, device, plugin, sense }: HypervisorFailure): string {
  const parts = [`H:${status(host)}`, `D:${status(device)}`];
  if (plugin !== null) parts.push(`P:${status(plugin)}`);
  if (sense !== null) {
    const { key, asc, ascq, text } = sense;
    const name = [key.name, text].filter((one) => one !== null).join(': ');
    parts.push(`sense ${hex(key.value)}/${hex(asc)}/${hex(ascq)} ${name}`.trimEnd());
  }
  return parts.join(', ');
}

function senseOf(fields: Fields): HypervisorSense | undefined {
  const [key, asc, ascq] = [fields.senseKey, fields.asc, fields.ascq].map((text) => numberOf(text, 16));
  if (key === undefined || asc === undefined || ascq === undefined) return undefined;
  const row = SENSE.find((one) => one.asc === asc && (one.ascq ?? ascq) === ascq);
  return { key: named(SENSE_KEY, key), asc, ascq, text: row?.text ?? null };
}

function numberOf(text: string | undefined, base: number): number | undefined {
  return text === undefined ? undefined : Number.parseInt(text, base);
}

function named(names: Names, value: number): HypervisorStatus {
  return { value, name: names[value] ?? null };
}

function status({ value, name }: HypervisorStatus): string {
  return name === null ? hex(value) : `${hex(value)} ${name}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
