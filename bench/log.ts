import { closeSync, openSync, writeSync } from 'node:fs';

export const GIB = 1024 ** 3;
const PIECE = 4 * 1024 * 1024;
/** What a guest's /var/log/messages is full of. */
const ORDINARY = [
  'sshd[2231]: Accepted publickey for deploy from 10.1.4.22 port 51234 ssh2: RSA SHA256:9Wf3',
  'crond[28759]: (root) CMD (run-parts /etc/cron.hourly)',
  'kernel: IN=eth0 OUT= MAC=00:50:56:9a SRC=10.1.9.8 DST=10.1.4.3 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=44021 DF PROTO=TCP SPT=50922 DPT=445',
  'postfix/smtpd[9211]: connect from mail.example.org[10.1.7.7]',
  'dhclient: DHCPREQUEST on eth0 to 10.1.1.1 port 67 (xid=0x5fd2a1b4)',
  'nrpe[1202]: Error: Could not complete SSL handshake with 10.1.3.3: 5',
  'kernel: EXT4-fs (sda1): mounted filesystem with ordered data mode. Opts: (null)',
];
const FAILURE = [
  'kernel: sd 0:0:0:0: SCSI error: return code = 0x00020008',
  'kernel: end_request: I/O error, dev sda, sector 1138',
  'kernel: Buffer I/O error on device sda, logical block 4904',
  'kernel: Aborting journal on device sda.',
];
/** One line in so many is of a path failure. */
const ORDINARY_PER_FAILURE = 2000;

/** Writes a guest's log of at least so many bytes, a line every two seconds from 2008 on. Answers how many are of failures. */
export function writeLog(path: string, bytes: number): number {
  const descriptor = openSync(path, 'w');
  let line = 0;
  let failures = 0;
  for (let written = 0; written < bytes; ) {
    const lines: string[] = [];
    for (let size = 0; size < Math.min(PIECE, bytes - written); line += 1) {
      const stamp = new Date(Date.UTC(2008, 0, 1) + line * 2000).toISOString();
      const failure = line % ORDINARY_PER_FAILURE;
      if (failure < FAILURE.length) failures += 1;
      const text = FAILURE[failure] ?? ORDINARY[line % ORDINARY.length];
      lines.push(`${stamp.slice(0, 19)}+00:00 guest1 ${text}\n`);
      size += lines.at(-1)?.length ?? 0;
    }
    written += writeSync(descriptor, lines.join(''));
  }
  closeSync(descriptor);
  return failures;
}
