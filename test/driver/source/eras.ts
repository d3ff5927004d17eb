/** Driver files written for the tests, each in the shape of an era; no kernel file is among them. */
export interface EraOptions {
  /** Statements of the SUCCESS case before the look at scsi_state. */
  readonly success: string;
  /** The remap of an empty underrun that came with the branch in 2.6.14. */
  readonly remap?: boolean;
  /** The SAS nexus loss of 2.6.18 and later, with its own DID_BUS_BUSY. */
  readonly nexus?: boolean;
  /** The DATA_OVERRUN case that falls into SUCCESS, from 2.6.16. */
  readonly overrun?: string;
  /** Text at file level before the routine, and within it before the switch and after it. */
  readonly before?: string;
  readonly prologue?: string;
  readonly epilogue?: string;
  readonly name?: string;
  readonly subject?: string;
}

export const BRANCH = `			if (scsi_status == MPI_SCSI_STATUS_BUSY)
				sc->result = (DID_BUS_BUSY << 16) | scsi_status;
			else
				sc->result = (DID_OK << 16) | scsi_status;`;
export const FIXED = '			sc->result = (DID_OK << 16) | scsi_status;';
const REQUEUE = BRANCH.replace('DID_BUS_BUSY', 'DID_COND_REQUEUE');

const REMAP = `
		if (status == MPI_IOCSTATUS_SCSI_DATA_UNDERRUN && xfer_cnt == 0 &&
		    (scsi_status == MPI_SCSI_STATUS_BUSY ||
		     scsi_status == MPI_SCSI_STATUS_TASK_SET_FULL)) {
			status = MPI_IOCSTATUS_SUCCESS;
		}
`;
const NEXUS = `		case MPI_IOCSTATUS_SCSI_IOC_TERMINATED:		/* 0x004B */
			if (ioc->bus_type == SAS) {
				if (nexus_lost(pScsiReply)) {
					sc->result = (DID_BUS_BUSY << 16);
					break;
				}
			}
`;

/** A file with a completion routine, its neighbours and the lookalikes that are no branch. */
export function eraFile(options: EraOptions): string {
  const name = options.name ?? 'mptscsih_io_done';
  return `/* a driver in the shape of its era */
#include "mptbase.h"
#include "mptscsih.h"
${options.before ?? ''}
int		${name}(MPT_ADAPTER *ioc, MPT_FRAME_HDR *mf, MPT_FRAME_HDR *r);

static void
mptscsih_other(struct scsi_cmnd *sc)
{
	if (sc->allowed)
		sc->result = DID_BUS_BUSY << 16;
}

int
${name}(MPT_ADAPTER *ioc, MPT_FRAME_HDR *mf, MPT_FRAME_HDR *mr)
{
	struct scsi_cmnd	*sc;
	SCSIIOReply_t	*pScsiReply;

	sc = mptscsih_lookup(ioc, mf);
	if (sc == NULL) {
		printk(KERN_ERR MYNAM ": \\"NULL\\" command: '%d'\\n", 1);
		return 1;
	}
	sc->result = DID_OK << 16;		/* Set default reply as OK */
	pScsiReply = (SCSIIOReply_t *) mr;
	if (pScsiReply == NULL) {
		;
	} else {
		u32	 xfer_cnt;
		u16	 status;
		u8	 scsi_state, scsi_status;

		status = le16_to_cpu(pScsiReply->IOCStatus) & MPI_IOCSTATUS_MASK;
		scsi_state = pScsiReply->SCSIState;
		scsi_status = pScsiReply->SCSIStatus;
		xfer_cnt = le32_to_cpu(pScsiReply->TransferCount);
${options.remap === false ? '' : REMAP}${options.prologue ?? ''}
		switch(${options.subject ?? 'status'}) {
		case MPI_IOCSTATUS_BUSY:			/* 0x0002 */
			/* But not: DID_BUS_BUSY lest one risk */
			sc->result = SAM_STAT_BUSY;
			break;

${options.nexus ? NEXUS : ''}		case MPI_IOCSTATUS_SCSI_TASK_TERMINATED:	/* 0x0048 */
			sc->result = DID_RESET << 16;
			break;

		case MPI_IOCSTATUS_SCSI_DATA_UNDERRUN:		/* 0x0045 */
			sc->result = (DID_OK << 16) | scsi_status;
			if (xfer_cnt < sc->underflow) {
				if (scsi_status == SAM_STAT_BUSY)
					sc->result = SAM_STAT_BUSY;
				else
					sc->result = DID_SOFT_ERROR << 16;
			}
			break;

${options.overrun ?? ''}		case MPI_IOCSTATUS_SCSI_RECOVERED_ERROR:	/* 0x0040 */
		case MPI_IOCSTATUS_SUCCESS:			/* 0x0000 */
${options.success}
			if (scsi_state == 0) {
				;
			} else if (scsi_state & MPI_SCSI_STATE_AUTOSENSE_VALID) {
				if (scsi_status == MPI_SCSI_STATUS_TASK_SET_FULL)
					mptscsih_report_queue_full(sc, pScsiReply, mf);
			} else if (scsi_state & MPI_SCSI_STATE_TERMINATED) {
				sc->result = DID_RESET << 16;
			}
			if (sc->result == MPI_SCSI_STATUS_TASK_SET_FULL)
				mptscsih_report_queue_full(sc, pScsiReply, mf);
			break;

		case MPI_IOCSTATUS_SCSI_PROTOCOL_ERROR:		/* 0x0047 */
			sc->result = DID_SOFT_ERROR << 16;
			break;

		default:
			sc->result = DID_SOFT_ERROR << 16;
			break;
		}
${options.epilogue ?? ''}	}
	sc->scsi_done(sc);
	return 1;
}

int
mptscsih_scandv_complete(MPT_ADAPTER *ioc, MPT_FRAME_HDR *mf, MPT_FRAME_HDR *r)
{
	int completionCode;
	u8 scsi_status = 0;

	switch (ioc->status) {
	case MPI_IOCSTATUS_SUCCESS:
		if (scsi_status == MPI_SCSI_STATUS_SUCCESS)
			completionCode = MPT_SCANDV_GOOD;
		else if (scsi_status == MPI_SCSI_STATUS_BUSY)
			completionCode = MPT_SCANDV_SOME_ERROR;
		break;
	}
	return 1;
}
`;
}

/** 2.4.7: one status field, no local variable, no RECOVERED_ERROR case. */
export const ERA_24 = `#include "mptbase.h"

static int
mptscsih_io_done(MPT_ADAPTER *ioc, MPT_FRAME_HDR *mf, MPT_FRAME_HDR *r)
{
	Scsi_Cmnd	*sc = ioc->cmd;
#if 0
{
	/* it's a costly check, don't */
	sc->result = DID_BUS_BUSY << 16;
}
#endif
	if (r) {
		SCSIIOReply_t *pScsiReply = (SCSIIOReply_t *) r;

		switch(le16_to_cpu(pScsiReply->IOCStatus) & MPI_IOCSTATUS_MASK) {
		case MPI_IOCSTATUS_BUSY:
			/* But not: DID_BUS_BUSY lest one risk */
			sc->result = STATUS_MASK(BUSY);
			break;
		case MPI_IOCSTATUS_SUCCESS:
			sc->result = pScsiReply->SCSIStatus;
			if (pScsiReply->SCSIState & MPI_SCSI_STATE_AUTOSENSE_VALID)
				copy_sense_data(sc, pScsiReply);
			break;
		}
	}
	sc->scsi_done(sc);
	return 1;
}
`;

export const OVERRUN = `		case MPI_IOCSTATUS_SCSI_DATA_OVERRUN:		/* 0x0044 */
			sc->resid=0;
`;
const OVERRUN_NEW = `		case MPI_IOCSTATUS_SCSI_DATA_OVERRUN:		/* 0x0044 */
			scsi_set_resid(sc, 0);
			fallthrough;
`;

export const ERA_269 = eraFile({
  remap: false,
  success: '			scsi_status = pScsiReply->SCSIStatus;\n			sc->result = (DID_OK << 16) | scsi_status;',
});
export const ERA_2614 = eraFile({ success: BRANCH });
export const ERA_2618 = eraFile({ success: BRANCH, overrun: OVERRUN, nexus: true });
export const ERA_2622 = eraFile({ success: FIXED, overrun: OVERRUN, nexus: true });
export const ERA_6 = eraFile({ success: FIXED, overrun: OVERRUN_NEW, nexus: true });
export const ERA_RHEL4_U3 = eraFile({ success: BRANCH, overrun: OVERRUN });
export const ERA_RHEL4_U5 = eraFile({ success: REQUEUE, overrun: OVERRUN, nexus: true });

/** RHEL 4's mptscsih.c beside mptscsi.c. */
export const DUMMY = `/* Pulls in the split drivers under the name of the old one. */
#include <linux/module.h>
#include "mptbase.h"

extern int mptsas_dummy_symbol;

static int
mptscsih_init(void)
{
	mptsas_dummy_symbol = 1;
	return 0;
}

static void
mptscsih_exit(void)
{
}

module_init(mptscsih_init);
module_exit(mptscsih_exit);
`;
