import { defined } from '../optional.ts';

/** One byte of a SCSI command's result. */
export interface ResultByte {
  readonly value: number;
  /** The kernel's name, such as `DID_BUS_BUSY`; null where no kernel has one. */
  readonly name: string | null;
  /** Where the name holds for some kernels only. */
  readonly era?: string;
}

/** A SCSI command's result as the kernel holds it: status | message << 8 | host << 16 | driver << 24. */
export interface DecodedResult {
  readonly code: number;
  readonly status: ResultByte;
  readonly message: ResultByte;
  readonly host: ResultByte;
  /** The low half of the highest byte; the high half is the suggestion, to 2.6.27. */
  readonly driver: ResultByte;
  readonly suggest: ResultByte;
}

/** Names of numbers. */
export type Names = Readonly<Record<number, string>>;

/** SAM-5 table "Status codes"; include/scsi/scsi_proto.h. */
export const STATUS: Names = {
  0: 'GOOD',
  2: 'CHECK_CONDITION',
  4: 'CONDITION_MET',
  8: 'BUSY',
  16: 'INTERMEDIATE',
  20: 'INTERMEDIATE_CONDITION_MET',
  24: 'RESERVATION_CONFLICT',
  34: 'COMMAND_TERMINATED',
  40: 'TASK_SET_FULL',
  48: 'ACA_ACTIVE',
  64: 'TASK_ABORTED',
};

/** SPI message codes that a host adapter passes up; 0 is the usual one. */
const MESSAGE: Names = {
  0: 'COMMAND_COMPLETE',
  6: 'ABORT_TASK_SET',
  7: 'MESSAGE_REJECT',
  8: 'NOP',
  12: 'TARGET_RESET',
};

/** include/scsi/scsi_status.h and the headers before it. */
const HOST: Names = {
  0: 'DID_OK',
  1: 'DID_NO_CONNECT',
  2: 'DID_BUS_BUSY',
  3: 'DID_TIME_OUT',
  4: 'DID_BAD_TARGET',
  5: 'DID_ABORT',
  6: 'DID_PARITY',
  7: 'DID_ERROR',
  8: 'DID_RESET',
  9: 'DID_BAD_INTR',
  10: 'DID_PASSTHROUGH',
  11: 'DID_SOFT_ERROR',
  12: 'DID_IMM_RETRY',
  13: 'DID_REQUEUE',
  14: 'DID_TRANSPORT_DISRUPTED',
  15: 'DID_TRANSPORT_FAILFAST',
  16: 'DID_TARGET_FAILURE',
  17: 'DID_NEXUS_FAILURE',
  18: 'DID_ALLOC_FAILURE',
  19: 'DID_MEDIUM_ERROR',
  20: 'DID_TRANSPORT_MARGINAL',
};

/** Names that not every kernel with the number has. */
const HOST_ERA: Names = {
  13: '2.6.14 and later',
  14: '2.6.27 and later; RHEL 4 from update 5 has DID_COND_REQUEUE here',
  15: '2.6.27 and later',
  16: '2.6.39 and later',
  17: '2.6.39 and later',
  18: '3.10 and later',
  19: '3.10 and later',
  20: '5.14 and later',
};

/** Gone from the kernel in 5.14. */
const DRIVER: Names = {
  0: 'DRIVER_OK',
  1: 'DRIVER_BUSY',
  2: 'DRIVER_SOFT',
  3: 'DRIVER_MEDIA',
  4: 'DRIVER_ERROR',
  5: 'DRIVER_INVALID',
  6: 'DRIVER_TIMEOUT',
  7: 'DRIVER_HARD',
  8: 'DRIVER_SENSE',
};

const SUGGEST: Names = {
  0: 'SUGGEST_OK',
  16: 'SUGGEST_RETRY',
  32: 'SUGGEST_ABORT',
  48: 'SUGGEST_REMAP',
  64: 'SUGGEST_DIE',
  128: 'SUGGEST_SENSE',
};

/** Splits a result into its four bytes. Only the low 32 bits of `code` count. */
export function decodeResult(code: number): DecodedResult {
  const word = code >>> 0;
  const host = (word >>> 16) & 0xff;
  const top = word >>> 24;
  const era = HOST_ERA[host];
  return {
    code: word,
    status: named(STATUS, word & 0xff),
    message: named(MESSAGE, (word >>> 8) & 0xff),
    host: { ...named(HOST, host), ...defined({ era }) },
    driver: named(DRIVER, top & 0x0f),
    suggest: named(SUGGEST, top & 0xf0),
  };
}

/** The number of a host byte that a message has by name, or as `0x02`; undefined where it is neither. */
export function hostByteValue(text: string): number | undefined {
  if (/^0x[\da-f]{1,2}$/i.test(text)) return Number(text);
  const found = Object.entries(HOST).find(([, name]) => name === text);
  return found === undefined ? undefined : Number(found[0]);
}

/** For a person: `host DID_BUS_BUSY (0x02), status BUSY (0x08)`; the other bytes only where they are not zero. */
export function describeResult({ host, status, message, driver, suggest }: DecodedResult): string {
  const parts = [byteText('host', host), byteText('status', status)];
  if (message.value !== 0) parts.push(byteText('message', message));
  if (driver.value !== 0) parts.push(byteText('driver', driver));
  if (suggest.value !== 0) parts.push(byteText('suggestion', suggest));
  return parts.join(', ');
}

function byteText(label: string, { name, value }: ResultByte): string {
  const number = `0x${value.toString(16).padStart(2, '0')}`;
  return name === null ? `${label} ${number}` : `${label} ${name} (${number})`;
}

function named(names: Names, value: number): ResultByte {
  return { value, name: names[value] ?? null };
}
