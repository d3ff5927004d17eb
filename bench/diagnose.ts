import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SIGNATURES } from '../src/kernel-log/signatures.ts';
import { race, table } from './measure.ts';

const GIB = 1024 ** 3;
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

/** A log of 1 GiB, read by diagnose and by grep, which also has the words to look for, but decodes nothing. */
export async function benchDiagnose(): Promise<string> {
  const folder = mkdtempSync('/var/tmp/mptfix-bench-');
  try {
    const log = join(folder, 'messages');
    const words = join(folder, 'words');
    const patterns = join(folder, 'patterns');
    writeLog(log);
    writeFileSync(words, `${[...new Set(SIGNATURES.flatMap(({ needles }) => needles))].join('\n')}\n`);
    writeFileSync(patterns, `${SIGNATURES.map(({ pattern }) => extended(pattern.source)).join('\n')}\n`);
    const out = join(folder, 'out');
    const rows = await race(
      [
        { name: 'grep -c, one word', argv: to(out, 'grep', '-c', 'I/O error', log) },
        { name: 'grep -cF, the table’s words', argv: to(out, 'grep', '-cF', '-f', words, log) },
        { name: 'grep -cE, the table’s patterns', argv: to(out, 'grep', '-cE', '-f', patterns, log) },
        {
          name: 'mptfix diagnose',
          argv: to(out, process.execPath, 'bin/mptfix.cjs', 'diagnose', '--json', log),
        },
      ],
      3,
    );
    return table(rows, 'grep -cE, the table’s patterns');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** With its output in a file: grep ends at the first match where its output is thrown away. */
function to(file: string, ...argv: readonly string[]): readonly string[] {
  return ['env', 'LC_ALL=C', 'sh', '-c', 'out=$1; shift; exec "$@" > "$out"', 'sh', file, ...argv];
}

function writeLog(path: string): void {
  const descriptor = openSync(path, 'w');
  let line = 0;
  for (let written = 0; written < GIB; ) {
    const lines: string[] = [];
    for (let bytes = 0; bytes < PIECE; line += 1) {
      const stamp = new Date(Date.UTC(2008, 0, 1) + line * 2000).toISOString();
      const failure = line % ORDINARY_PER_FAILURE;
      const text = FAILURE[failure] ?? ORDINARY[line % ORDINARY.length];
      lines.push(`${stamp.slice(0, 19)}+00:00 guest1 ${text}\n`);
      bytes += lines.at(-1)?.length ?? 0;
    }
    written += writeSync(descriptor, lines.join(''));
  }
  closeSync(descriptor);
}

/** The pattern as grep -E has it: no names, no lazy repetition, no lookahead (grep then finds a line more at worst). */
function extended(source: string): string {
  return source
    .replace(/\(\?<\w+>|\(\?:/g, '(')
    .replace(/\(\?![^)]*\)/g, '')
    .replace(/\[\^\\n\]/g, '.')
    .replace(/\[([^\]]*)\]/g, (_, members: string) => `[${bracket(members)}]`)
    .replace(/\\d/g, '[0-9]')
    .replace(/([}+*?])\?/g, '$1');
}

/** In a POSIX bracket expression a backslash is a backslash, and a hyphen stands last. */
function bracket(members: string): string {
  const hyphen = members.endsWith('-') ? '-' : '';
  return (
    members
      .replace(/-$/, '')
      .replace(/\\w/g, '[:alnum:]_')
      .replace(/\\d/g, '0-9')
      .replace(/\\s/g, '[:space:]')
      .replace(/\\n/g, '')
      .replace(/\\(.)/g, '$1') + hyphen
  );
}
