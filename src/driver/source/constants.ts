/**
 * Numbers behind the names that a completion routine uses. From the kernel's include/scsi/scsi.h and scsi_status.h and
 * the driver's own lsi/mpi.h and lsi/mpi_init.h, the same in 2.4 to 6.x where a name exists.
 */

/** Host bytes of a command's result. */
export const HOST = {
  OK: 0x00,
  NO_CONNECT: 0x01,
  BUS_BUSY: 0x02,
  IMM_RETRY: 0x0c,
  REQUEUE: 0x0d,
  /** Red Hat's own, in RHEL 4 alone; its number is out of the range of the others so that they cannot be confused. */
  COND_REQUEUE: 0xf0,
} as const;

/** Status byte of a target that is busy. */
export const BUSY = 0x08;

/** Status bytes that a target can answer with, GOOD and BUSY excepted. */
export const OTHER_STATUSES: readonly number[] = [0x02, 0x04, 0x10, 0x14, 0x18, 0x22, 0x28, 0x30, 0x40];

/** Status bytes that the driver's headers and the kernel's name alike. */
const STATUS = {
  CHECK_CONDITION: 0x02,
  CONDITION_MET: 0x04,
  BUSY,
  INTERMEDIATE: 0x10,
  RESERVATION_CONFLICT: 0x18,
  COMMAND_TERMINATED: 0x22,
  TASK_SET_FULL: 0x28,
  ACA_ACTIVE: 0x30,
} as const;

/** Names of one kind: a prefix, and the number of each ending. */
function named(prefix: string, values: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(values).map(([name, value]) => [prefix + name, value]);
}

const CONSTANTS: ReadonlyMap<string, number> = new Map<string, number>([
  ...named('DID_', {
    ...HOST,
    TIME_OUT: 0x03,
    BAD_TARGET: 0x04,
    ABORT: 0x05,
    PARITY: 0x06,
    ERROR: 0x07,
    RESET: 0x08,
    BAD_INTR: 0x09,
    PASSTHROUGH: 0x0a,
    SOFT_ERROR: 0x0b,
    TRANSPORT_DISRUPTED: 0x0e,
    TRANSPORT_FAILFAST: 0x0f,
    TARGET_FAILURE: 0x10,
    NEXUS_FAILURE: 0x11,
    ALLOC_FAILURE: 0x12,
    MEDIUM_ERROR: 0x13,
    TRANSPORT_MARGINAL: 0x14,
  }),
  ...named('MPI_SCSI_STATUS_', {
    ...STATUS,
    SUCCESS: 0x00,
    INTERMEDIATE_CONDMET: 0x14,
  }),
  ...named('SAM_STAT_', {
    ...STATUS,
    GOOD: 0x00,
    INTERMEDIATE_CONDITION_MET: 0x14,
    TASK_ABORTED: 0x40,
  }),
  // The oldest names are for the status shifted right by one.
  ...named('', {
    GOOD: 0x00,
    CHECK_CONDITION: 0x01,
    CONDITION_GOOD: 0x02,
    BUSY: 0x04,
    INTERMEDIATE_GOOD: 0x08,
    INTERMEDIATE_C_GOOD: 0x0a,
    RESERVATION_CONFLICT: 0x0c,
    COMMAND_TERMINATED: 0x11,
    QUEUE_FULL: 0x14,
    NULL: 0,
    TRUE: 1,
    FALSE: 0,
    true: 1,
    false: 0,
  }),
  ...named('MPI_IOCSTATUS_', {
    SUCCESS: 0x0000,
    INVALID_FUNCTION: 0x0001,
    BUSY: 0x0002,
    INVALID_SGL: 0x0003,
    INTERNAL_ERROR: 0x0004,
    RESERVED: 0x0005,
    INSUFFICIENT_RESOURCES: 0x0006,
    INVALID_FIELD: 0x0007,
    INVALID_STATE: 0x0008,
    SCSI_RECOVERED_ERROR: 0x0040,
    SCSI_INVALID_BUS: 0x0041,
    SCSI_INVALID_TARGETID: 0x0042,
    SCSI_DEVICE_NOT_THERE: 0x0043,
    SCSI_DATA_OVERRUN: 0x0044,
    SCSI_DATA_UNDERRUN: 0x0045,
    SCSI_IO_DATA_ERROR: 0x0046,
    SCSI_PROTOCOL_ERROR: 0x0047,
    SCSI_TASK_TERMINATED: 0x0048,
    SCSI_RESIDUAL_MISMATCH: 0x0049,
    SCSI_TASK_MGMT_FAILED: 0x004a,
    SCSI_IOC_TERMINATED: 0x004b,
    SCSI_EXT_TERMINATED: 0x004c,
    FLAG_LOG_INFO_AVAILABLE: 0x8000,
    MASK: 0x7fff,
  }),
  ...named('MPI_SCSI_STATE_', {
    AUTOSENSE_VALID: 0x01,
    AUTOSENSE_FAILED: 0x02,
    NO_SCSI_STATUS: 0x04,
    TERMINATED: 0x08,
    RESPONSE_INFO_VALID: 0x10,
    QUEUE_TAG_REJECTED: 0x20,
  }),
  ...named('DRIVER_', {
    OK: 0,
    BUSY: 1,
    SOFT: 2,
    MEDIA: 3,
    ERROR: 4,
    INVALID: 5,
    TIMEOUT: 6,
    HARD: 7,
    SENSE: 8,
  }),
  ...named('SUGGEST_', { RETRY: 0x10, ABORT: 0x20, REMAP: 0x30, DIE: 0x40, SENSE: 0x80, IS_OK: 0xff }),
]);

/** The host byte of a command's result. */
export function hostOf(result: number): number {
  return (result >>> 16) & 0xff;
}

/** What a person reads for a host byte. */
export function hostName(host: number): string {
  for (const [name, value] of CONSTANTS) if (name.startsWith('DID_') && value === host) return name;
  return `host byte 0x${host.toString(16).padStart(2, '0')}`;
}

/** MPI_IOCSTATUS_SUCCESS, under whatever prefix; that of the later mpt2sas and mpt3sas drivers excepted. */
export function isSuccessName(name: string): boolean {
  return /^(?!MPI2)\w*IOC_?STATUS_SUCCESS$/.test(name);
}

/** The number of a known name, or of one that a vendor prefixed or shortened. */
export function numberNamed(name: string): number | undefined {
  const exact = CONSTANTS.get(name);
  if (exact !== undefined) return exact;
  const did = /(?:^|_)(DID_[A-Z_]+)$/.exec(name)?.[1];
  if (did !== undefined) return CONSTANTS.get(did);
  const status = /(?:^|_)S(?:CSI_?|AM_?)(?:STATUS|STAT)_([A-Z_]+)$/.exec(name)?.[1];
  return status === undefined
    ? undefined
    : (CONSTANTS.get(`SAM_STAT_${status}`) ?? CONSTANTS.get(`MPI_SCSI_STATUS_${status}`));
}
