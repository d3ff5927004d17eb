import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BRANCH, eraFile } from '../driver/source/eras.ts';

const MAKEFILE = `VERSION = 6
PATCHLEVEL = 1
SUBLEVEL = 9
EXTRAVERSION =
DRIVERS := drivers/message/fusion/mptscsih.ko drivers/other.ko

oldconfig:
\t@read answer; grep -q '^CONFIG_FUSION=' .config && echo "ASKED, uid $$(id -u)"
modules_prepare:
\t@mkdir -p include/generated
\t@echo '#define UTS_RELEASE "$(KERNELRELEASE)"' > include/generated/utsrelease.h
modules: $(DRIVERS)
%.ko: %.c
\t@echo "  MAKES $@, uid $$(id -u)"
\tgcc -O2 -w -ffreestanding -fno-pic -DRELEASE='"$(KERNELRELEASE)"' -c $< -o $@
`;

/** What only modpost would add. */
const MODINFO = `
static const char info_name[] __attribute__((section(".modinfo"), used)) = "name=mptscsih";
static const char info_vermagic[] __attribute__((section(".modinfo"), used)) = "vermagic=" RELEASE " SMP mod_unload ";
`;

/** Results of a real routine, by which a scan of the module knows it. */
const ERRORS = `		case MPI_IOCSTATUS_SCSI_INVALID_TARGETID:
			sc->result = DID_BAD_TARGET << 16;
			break;
		case MPI_IOCSTATUS_SCSI_DEVICE_NOT_THERE:
			sc->result = DID_NO_CONNECT << 16;
			break;
`;

/** What the driver's file takes from the kernel's headers, as far as its code needs it. */
const DECLARATIONS = `typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32;
typedef struct { int status; char space[300]; } MPT_ADAPTER;
typedef struct { int index; } MPT_FRAME_HDR;
typedef struct { u16 IOCStatus; u8 SCSIState, SCSIStatus; u32 TransferCount; } SCSIIOReply_t;
struct scsi_cmnd { char space[280]; int result; u32 underflow; int allowed; void (*scsi_done)(struct scsi_cmnd *); };
struct scsi_cmnd *mptscsih_lookup(MPT_ADAPTER *, MPT_FRAME_HDR *);
void mptscsih_report_queue_full(struct scsi_cmnd *, SCSIIOReply_t *, MPT_FRAME_HDR *);
int printk(const char *, ...);
#define NULL ((void *)0)
#define KERN_ERR "3"
#define MYNAM "mptscsih"
#define le16_to_cpu(value) (value)
#define le32_to_cpu(value) (value)
enum { DID_OK = 0, DID_NO_CONNECT = 1, DID_BUS_BUSY = 2, DID_BAD_TARGET = 4, DID_RESET = 8, DID_SOFT_ERROR = 11, SAM_STAT_BUSY = 8 };
enum { MPI_IOCSTATUS_SUCCESS = 0, MPI_IOCSTATUS_BUSY = 2, MPI_IOCSTATUS_SCSI_RECOVERED_ERROR = 0x40,
       MPI_IOCSTATUS_SCSI_INVALID_TARGETID = 0x42, MPI_IOCSTATUS_SCSI_DEVICE_NOT_THERE = 0x43,
       MPI_IOCSTATUS_SCSI_DATA_UNDERRUN = 0x45, MPI_IOCSTATUS_SCSI_PROTOCOL_ERROR = 0x47,
       MPI_IOCSTATUS_SCSI_TASK_TERMINATED = 0x48, MPI_IOCSTATUS_MASK = 0x7fff };
enum { MPI_SCSI_STATUS_SUCCESS = 0, MPI_SCSI_STATUS_BUSY = 8, MPI_SCSI_STATUS_TASK_SET_FULL = 0x28 };
enum { MPI_SCSI_STATE_AUTOSENSE_VALID = 1, MPI_SCSI_STATE_TERMINATED = 8 };
enum { MPT_SCANDV_GOOD, MPT_SCANDV_SOME_ERROR };
`;

/**
 * A source in the shape of a kernel's, with the goals that a whole tree has, of one affected driver and one other
 * module. A kernel's own tree takes hours for what this one does in a second.
 */
export function writeSmallTree(folder: string): void {
  mkdirSync(join(folder, 'drivers/message/fusion'), { recursive: true });
  writeFileSync(join(folder, 'Makefile'), MAKEFILE);
  writeFileSync(join(folder, 'drivers/other.c'), 'int other(void) { return 0; }\n');
  const driver = join(folder, 'drivers/message/fusion');
  writeFileSync(join(driver, 'mptbase.h'), '');
  writeFileSync(join(driver, 'mptscsih.h'), DECLARATIONS);
  writeFileSync(join(driver, 'mptscsih.c'), `${eraFile({ success: BRANCH, overrun: ERRORS })}${MODINFO}`);
}
