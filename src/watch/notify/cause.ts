interface Cause {
  readonly text: RegExp;
  readonly cause: string;
}

/**
 * The likeliest cause by what the kernel said of the disk, the surest first. Host byte 0x02 (DID_BUS_BUSY) alone is
 * not this driver's bug: the status has to be 0x08 (BUSY). Used up is the window of the SCSI midlayer (`scsi_softirq_done`).
 */
const CAUSES: readonly Cause[] = [
  {
    text: /return code = 0x0*20008\b/,
    cause:
      'a path failure of the storage, made an I/O error by the LSI driver (host byte 0x02 with status 0x08): mptfix check tells, mptfix apply cures it',
  },
  {
    text: /timing out command, waited/,
    cause:
      'the storage was away for longer than the kernel waits (its timeouts were used up): not the driver’s fault',
  },
  {
    text: /hostbyte=(?:DID_BUS_BUSY|0x02)\b/,
    cause: 'the bus was BUSY (host byte 0x02): a path failure of the storage, if the status was 0x08',
  },
  {
    text: /I\/O error|SCSI [Ee]rror|Result: hostbyte|lost .{0,20}page write|hostbyte=/,
    cause: 'an I/O error of the disk or of the storage behind it',
  },
  {
    text: /-fs error|error \(device|corrupt/i,
    cause: 'an error in the file system’s own data: no I/O error was seen, so the storage may be well',
  },
];

/** What most likely made file systems fail, from the kernel's messages. */
export function likelyCause(messages: readonly string[]): string {
  const found = CAUSES.find(({ text }) => messages.some((message) => text.test(message)));
  return found?.cause ?? 'not known: the kernel’s messages say nothing of it';
}
