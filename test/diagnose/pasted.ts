import type { Diagnosis } from '../../src/diagnose/incident.ts';

/** A log as somebody pasted, mailed or exported it, and what must be read from it. */
export interface Pasted {
  readonly name: string;
  readonly text: string | Uint8Array;
  readonly verdict: Diagnosis['verdict'];
  /** The disks of all incidents; a disk without a name by its address. */
  readonly disks?: readonly string[];
  /** Devices of device mapper. */
  readonly mapped?: readonly string[];
  readonly fileSystems?: readonly (string | null)[];
  readonly host?: string;
  /** When each incident began, in UTC; null where the log has no date that can be read. */
  readonly starts?: readonly (string | null)[];
  /** What was mended. */
  readonly repairs?: readonly string[];
  /** Of the first incident's first message, as the log has it. */
  readonly logged?: string | null;
}

const RESULT = 'sd 0:0:0:0: [sda] Result: hostbyte=DID_BUS_BUSY driverbyte=DRIVER_OK,SUGGEST_OK';
const CODE = 'sd 0:0:0:0: SCSI error: return code = 0x00020008';
const RHEL4 = 'SCSI error : <0 0 0 0> return code = 0x20008';
const BLOCK = 'end_request: I/O error, dev sda, sector 73501';
const JOURNAL = 'Aborting journal on device dm-0.';

const utf16 = (text: string): Uint8Array => Buffer.from(text, 'utf16le');
const json = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** What web pages, mails, terminals and programs do to the words. */
const HARMED: readonly Pasted[] = [
  {
    name: 'the article’s sample, to the letter',
    text: [
      'SCSI Error : <0 0 0 0>return code = 0x20008',
      'end_request: I/O error, dev sda, sector 4928181 Aborting journal on device dm-0 ext3_abort called.',
      'EXT3-fs error (device dm-0): ext3_journal_start_sb: Detected aborted journal',
      'Remounting filesystem read-only.',
      '',
    ].join('\n'),
    verdict: 'this-bug',
    disks: ['sda'],
    mapped: ['dm-0'],
    fileSystems: ['dm-0'],
    starts: [null],
    repairs: [],
  },
  {
    name: 'HTML entities',
    text: `SCSI error : &lt;0 0 0 0&gt; return code = 0x20008\n${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['entities'],
  },
  {
    name: 'entities by number, and a no-break space as one',
    text: `SCSI&nbsp;error : &#60;0 0 0 0&#x3e;&#160;return code = 0x20008\n${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['entities', 'white-space'],
  },
  {
    name: 'entities that were escaped twice',
    text: `SCSI error : &amp;lt;0 0 0 0&amp;gt; return code = 0x20008\n${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['entities'],
  },
  {
    name: 'a saved web page',
    text: `<pre class="log">${RHEL4.replace('<', '&lt;').replace('>', '&gt;')}<br/>${BLOCK}</pre>\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['entities'],
  },
  {
    name: 'no-break spaces',
    text: `${RHEL4}\n${BLOCK}\n`.replaceAll(' ', '\u00a0'),
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['white-space'],
  },
  {
    name: 'no-break spaces in ISO 8859-1',
    text: Buffer.from(`${RHEL4}\n${BLOCK}\n`.replaceAll(' ', '\u00a0'), 'latin1'),
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['white-space'],
  },
  {
    name: 'spaces without a width within words',
    text: `${RHEL4.replace('return', 're\u200bturn')}\n${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['white-space'],
  },
  {
    name: 'tabs for spaces',
    text: `${RHEL4}\n${BLOCK}\n`.replaceAll(' ', '\t'),
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: [],
  },
  {
    name: 'doubled spaces',
    text: `${CODE}\n${BLOCK}\n`.replaceAll(' ', '  '),
    verdict: 'this-bug',
    disks: ['sda'],
  },
  {
    name: 'no spaces at all',
    text: `${CODE}\n${BLOCK}\n`.replaceAll(' ', ''),
    verdict: 'this-bug',
    disks: ['sda'],
  },
  {
    name: 'no space behind a result and a device',
    text: `${CODE}${BLOCK}Aborting journal on device dm-0ext3_abort called.\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    mapped: ['dm-0'],
  },
  {
    name: 'UTF-16 with a byte order mark, as PowerShell writes it',
    text: Buffer.concat([Buffer.from([0xff, 0xfe]), utf16(`${RESULT}\r\n${BLOCK}\r\n`)]),
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['encoding'],
  },
  {
    name: 'UTF-16, the high byte first',
    text: Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(utf16(`${CODE}\n${BLOCK}\n`)).swap16()]),
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['encoding'],
  },
  {
    name: 'UTF-16 without a mark',
    text: utf16(`${CODE}\n${BLOCK}\n`),
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['encoding'],
  },
  {
    name: 'UTF-8 with a byte order mark',
    text: `\ufeff${CODE}\n${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['encoding'],
  },
  {
    name: 'dmesg’s colours',
    text: `\u001b[32m[  812.004125] \u001b[0m\u001b[33msd 0:0:0:0: \u001b[0m[sda] Result: hostbyte=\u001b[1mDID_BUS_BUSY\u001b[0m driverbyte=DRIVER_OK\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['colours'],
  },
  {
    name: 'grep’s colours',
    text: `sd 0:0:0:0: SCSI error: \u001b[01;31m\u001b[Kreturn code\u001b[m\u001b[K = 0x00020008\n${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['colours'],
  },
  {
    name: 'colours as cat -v and rsyslog show them',
    text: `sd 0:0:0:0: SCSI error: ^[[31mreturn code = 0x00020008^[[0m\nend_request: #033[1mI/O error, dev sda, sector 4#033[0m\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['colours'],
  },
  {
    name: 'a mail’s quotation',
    text: `> Jun 12 11:20:00 db1 kernel: ${CODE}\n> Jun 12 11:20:00 db1 kernel: ${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
    repairs: ['quoting'],
  },
  {
    name: 'a quotation in a quotation',
    text: `>> > Jun 12 11:20:00 db1 kernel: ${CODE}\n> >> Jun 12 11:20:00 db1 kernel: ${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['quoting'],
  },
  {
    name: 'the source of a mail: quoted-printable',
    text: `Jun 12 11:20:00 db1 kernel: sd 0:0:0:0: SCSI error: return co=\nde =3D 0x00020008\nJun 12 11:20:00 db1 kernel: ${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['entities'],
  },
  {
    name: 'grep -n',
    text: `812:Jun 12 11:20:00 db1 kernel: ${CODE}\n813:Jun 12 11:20:00 db1 kernel: ${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['file-prefix'],
  },
  {
    name: 'grep -Hn',
    text: `/var/log/messages:812:Jun 12 11:20:00 db1 kernel: ${CODE}\n/var/log/messages:813:Jun 12 11:20:00 db1 kernel: ${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
    repairs: ['file-prefix'],
  },
  {
    name: 'grep -C1 in two files',
    text: `messages.1-Jun 12 11:20:00 db1 sshd[1]: hello\nmessages.1:Jun 12 11:20:00 db1 kernel: ${CODE}\nmessages.1-Jun 12 11:20:00 db1 kernel: ${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
  },
  {
    name: 'cat -n',
    text: `     1\tJun 12 11:20:00 db1 kernel: ${CODE}\n     2\tJun 12 11:20:00 db1 kernel: ${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['file-prefix'],
  },
  {
    name: 'curly quotation marks and × in a hypervisor’s line',
    text: '2013-05-16T10:31:09.123Z cpu7:8199)ScsiDeviceIO: 2329: Cmd(0×41244a0b1c40) 0×2a, CmdSN 0×11 from world 9724 to dev “naa.6000beef” failed H:0×0 D:0×8 P:0×0 Possible sense data: 0×0 0×0 0×0.\n',
    verdict: 'cause-not-told',
    repairs: ['typography'],
  },
];

/** Messages that were broken over lines, or run together. */
const BROKEN: readonly Pasted[] = [
  {
    name: 'a mail program broke before the code',
    text: `Jun 12 11:20:00 db1 kernel: sd 0:0:0:0: SCSI error: return code =\n0x00020008\nJun 12 11:20:00 db1 kernel: ${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
    repairs: ['wrapped'],
  },
  {
    name: 'it broke in the middle of the address',
    text: `SCSI error : <0 0\n0 0> return code = 0x20008\n${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['wrapped'],
  },
  {
    name: 'a terminal broke in the middle of a word',
    text: `Jun 12 11:20:00 db1 kernel: sd 0:0:0:0: [sda] Result: hostbyte=DID_BUS_BUSY driv\nerbyte=DRIVER_OK,SUGGEST_OK\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['wrapped'],
  },
  {
    name: 'a terminal broke in the middle of the code',
    text: `Jun 12 11:20:00 database1.example.org kernel: sd 0:0:0:0: SCSI error: return code = 0x000\n20008\nJun 12 11:20:00 database1.example.org kernel: ${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['wrapped'],
  },
  {
    name: 'a forum broke each message into three',
    text: `sd 0:0:0:0: [sda]\nResult: hostbyte=DID_BUS_BUSY\ndriverbyte=DRIVER_OK\nend_request: I/O\nerror, dev sda,\nsector 73501\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    repairs: ['wrapped'],
  },
  {
    name: 'a quotation that was broken, too',
    text: `> Jun 12 11:20:00 db1 kernel: sd 0:0:0:0:\n> SCSI error: return code = 0x00020008\n> Jun 12 11:20:00 db1 kernel: Aborting journal on\n> device dm-0.\n`,
    verdict: 'this-bug',
    disks: ['0:0:0:0'],
    mapped: ['dm-0'],
    repairs: ['quoting', 'wrapped'],
  },
  {
    name: 'the date stands on a line of its own',
    text: `Jun 12 11:20:00 db1 kernel:\n${CODE}\nJun 12 11:20:00 db1 kernel:\n${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
    starts: ['2008-06-12T11:20:00.000Z'],
    repairs: ['wrapped'],
  },
  {
    name: 'several records in one paragraph',
    text: `Jun 12 11:20:00 db1 kernel: ${CODE} Jun 12 11:20:01 db1 kernel: ${BLOCK} Jun 12 11:20:02 db1 kernel: ${JOURNAL}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    mapped: ['dm-0'],
    starts: ['2008-06-12T11:20:00.000Z'],
  },
  {
    name: 'a paragraph with messages between that the table does not know',
    text: `Jun 12 11:20:00 db1 kernel: sda: Write Protect is off Jun 12 11:20:00 db1 kernel: ${CODE} Jun 12 11:20:01 db1 kernel: sda: cache data unavailable Jun 12 11:20:01 db1 kernel: ${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
  },
  {
    name: 'a paragraph without dates',
    text: `sd 0:0:0:0: [sda] Unhandled error code ${RESULT} sd 0:0:0:0: [sda] CDB: Write(10): 2a 00 00 01 1f 1d 00 00 08 00 ${BLOCK} ${JOURNAL} ext3_abort called.\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    mapped: ['dm-0'],
  },
  {
    name: 'a paragraph that was broken into lines again',
    text: `Jun 12 11:20:00 db1 kernel: sd 0:0:0:0: SCSI error: return code =\n0x00020008 Jun 12 11:20:01 db1 kernel: end_request: I/O error, dev sda,\nsector 73501 Jun 12 11:20:02 db1 kernel: Aborting journal on device\ndm-0. Jun 12 11:20:02 db1 kernel: ext3_abort called.\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    mapped: ['dm-0'],
    repairs: ['wrapped'],
  },
  {
    name: 'a paragraph of dmesg',
    text: `[  812.004125] ${RESULT} [  812.004301] ${BLOCK} [  812.117002] ${JOURNAL}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    mapped: ['dm-0'],
  },
  {
    name: 'what is no part of a message stays apart',
    text: `${CODE}\n${BLOCK}\nAborting journal on device sda\nklogd 1.4.1, log source = /proc/kmsg started.\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    fileSystems: ['sda'],
    repairs: [],
  },
  {
    name: 'a timeout, broken',
    text: `Jun 12 11:20:00 db1 kernel: mptscsih: ioc0: attempting task\nabort! (sc=f7a2b1c0)\nJun 12 11:20:00 db1 kernel: mptscsih: ioc0: task abort:\nSUCCESS (sc=f7a2b1c0)\n`,
    verdict: 'timeouts',
    repairs: ['wrapped'],
  },
  {
    name: 'the window used up, broken',
    text: `Jun 12 11:20:00 db1 kernel: sd 0:0:0:0: timing out command,\nwaited 180s\nJun 12 11:20:00 db1 kernel: sd 0:0:0:0: SCSI error: return code =\n0x00000008\n`,
    verdict: 'window-used-up',
    disks: ['0:0:0:0'],
    repairs: ['wrapped'],
  },
];

const dated = (date: string, rest: string, more: Partial<Pasted> = {}): Pasted => ({
  name: date,
  text: `${date}${rest}${CODE}\n${date}${rest}${BLOCK}\n`,
  verdict: 'this-bug',
  disks: ['sda'],
  logged: date.replace(/^\[|\]$/g, ''),
  ...more,
});
const AT = ['2008-06-12T11:20:07.000Z'];

/** Dates; the zone of a log without one is UTC here. */
const DATED: readonly Pasted[] = [
  dated('Jun 12 11:20:07', ' db1 kernel: ', { starts: AT, host: 'db1' }),
  dated('2008 Jun 12 11:20:07.046393', ' db1 ERR kernel: ', {
    starts: ['2008-06-12T11:20:07.046Z'],
    host: 'db1',
  }),
  dated('Thu Jun 12 11:20:07 2008', ' kern.err kernel: ', { starts: AT }),
  dated('Thu Jun 12 11:20:07 2008', ' router7 kern.err kernel: ', { starts: AT, host: 'router7' }),
  dated('[2008-06-12T13:20:07+0200]', ' ', { starts: AT }),
  dated('2008-06-12 13:20:07 +0200', ' db1 kernel: ', { starts: AT, host: 'db1' }),
  dated('[Thu Jun 12 11:20:07 2008]', ' ', { starts: AT }),
  dated('[do jun 12 11:20:07 2008]', ' ', { starts: AT }),
  dated('[Do Jun 12 11:20:07 2008]', ' ', { starts: AT }),
  dated('[jeu. juin 12 11:20:07 2008]', ' ', { starts: AT }),
  dated('[jue jun 12 11:20:07 2008]', ' ', { starts: AT }),
  dated('[gio 12 giu 11:20:07 2008]', ' ', { starts: AT }),
  dated('[Чт июн 12 11:20:07 2008]', ' ', { starts: AT }),
  dated('[木  6月 12 11:20:07 2008]', ' ', { starts: AT }),
  dated('[czw cze 12 11:20:07 2008]', ' ', { starts: AT }),
  dated('juin 12 11:20:07', ' db1 kernel: ', { starts: AT, host: 'db1' }),
  dated('12 Jun 2008 11:20:07', ' db1 kernel: ', { starts: AT, host: 'db1' }),
  dated('12.06.2008 11:20:07', ' db1 kernel: ', { starts: AT, host: 'db1' }),
  dated('2008/06/12 11:20:07', ' db1 kernel: ', { starts: AT, host: 'db1' }),
  dated('6/13/2008 11:20:07 PM', ' db1 kernel: ', { starts: ['2008-06-13T23:20:07.000Z'] }),
  dated('13/06/2008 11:20:07', ' db1 kernel: ', { starts: ['2008-06-13T11:20:07.000Z'] }),
  // Which is the month, nobody can tell.
  dated('06/12/2008 11:20:07', ' db1 kernel: ', { starts: [null], host: 'db1' }),
  dated('Jkr 12 11:20:07', ' db1 kernel: ', { starts: [null], host: 'db1' }),
  {
    name: 'two dates that cannot be read are two incidents',
    text: `06/12/2008 11:20:07 db1 kernel: ${CODE}\n07/12/2008 11:20:07 db1 kernel: ${CODE}\n`,
    verdict: 'this-bug',
    starts: [null, null],
    disks: ['0:0:0:0', '0:0:0:0'],
  },
  {
    name: 'so are two clocks of one such day',
    text: `06/12/2008 11:20:07 db1 kernel: ${CODE}\n06/12/2008 14:20:07 db1 kernel: ${CODE}\n`,
    verdict: 'this-bug',
    starts: [null, null],
    disks: ['0:0:0:0', '0:0:0:0'],
  },
  {
    name: 'a date that cannot be read does not join what was before it',
    text: `Jun 12 11:20:07 db1 kernel: ${CODE}\nJkr 19 11:20:07 db1 kernel: ${CODE}\n`,
    verdict: 'this-bug',
    starts: [null, '2008-06-12T11:20:07.000Z'],
    disks: ['0:0:0:0', '0:0:0:0'],
  },
  {
    name: 'the kernel’s seconds alone keep two incidents apart',
    text: `[  812.004125] ${CODE}\n[91812.004125] ${CODE}\n`,
    verdict: 'this-bug',
    starts: [null, null],
    disks: ['0:0:0:0', '0:0:0:0'],
  },
];

const pretty = (messages: readonly string[]): string =>
  messages
    .map((MESSAGE, second) =>
      JSON.stringify(
        {
          MESSAGE,
          _TRANSPORT: 'kernel',
          _HOSTNAME: 'db1',
          __REALTIME_TIMESTAMP: `121326960${7 + second}000000`,
        },
        null,
        '\t',
      ).replaceAll('": ', '" : '),
    )
    .join('\n');

const verbose = (message: string, second: number): string =>
  `Thu 2008-06-12 11:20:0${second}.000000 UTC [s=0c1f9a;i=2${second};b=77;m=1;t=2;x=3]\n    _TRANSPORT=kernel\n    PRIORITY=3\n    SYSLOG_IDENTIFIER=kernel\n    MESSAGE=${message}\n    _HOSTNAME=db1\n`;

/** What programs print or export. */
const EXPORTED: readonly Pasted[] = [
  {
    name: 'dmesg -x -d beside a date',
    text: `kern  :err   : [ +0.001] [Thu Jun 12 11:20:07 2008] ${CODE}\nkern  :err   : [ +0.000] [Thu Jun 12 11:20:07 2008] ${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    starts: AT,
  },
  {
    name: 'dmesg -T -d',
    text: `[Thu Jun 12 11:20:07 2008 <    0.000012>] ${CODE}\n[Thu Jun 12 11:20:07 2008 <    0.000031>] ${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    starts: AT,
  },
  {
    name: 'dmesg -e',
    text: `[Jun12 11:20] usb 1-1: new high-speed device\n[  +0.000012] ${CODE}\n[  +0.000031] ${BLOCK}\n[Jun14 09:00] usb 1-1: disconnect\n[  +0.000012] ${CODE}\n`,
    verdict: 'this-bug',
    disks: ['sda', '0:0:0:0'],
    starts: ['2008-06-12T11:20:00.000Z', '2008-06-14T09:00:00.000Z'],
  },
  {
    name: 'journalctl -o verbose',
    text: `${verbose(CODE, 7)}${verbose(BLOCK, 8)}`,
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
    starts: AT,
  },
  {
    name: 'journalctl -o json-pretty',
    text: pretty([CODE, BLOCK]),
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
    starts: AT,
  },
  {
    name: 'journalctl -o export',
    text: [CODE, BLOCK]
      .map(
        (text, second) =>
          `__CURSOR=s=${second}\n__REALTIME_TIMESTAMP=121326960${7 + second}000000\n_HOSTNAME=db1\nMESSAGE=${text}\n\n`,
      )
      .join(''),
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
    starts: AT,
  },
  {
    name: 'journalctl -o short-monotonic',
    text: `[  812.004125] db1 kernel: ${CODE}\n[  812.004301] db1 kernel: ${BLOCK}\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
  },
  {
    name: 'docker’s JSON around syslog',
    text: [CODE, BLOCK]
      .map((text) =>
        json({
          log: `Jun 12 11:20:07 db1 kernel: ${text}\n`,
          stream: 'stdout',
          time: '2008-06-20T00:00:00.1Z',
        }),
      )
      .join(''),
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
    starts: AT,
  },
  {
    name: 'docker’s JSON around bare messages',
    text: [RHEL4, BLOCK]
      .map((text) =>
        json({ log: `${text}\n`, stream: 'stderr', time: '2008-06-12T11:20:07Z' }).replaceAll('<', '\\u003c'),
      )
      .join(''),
    verdict: 'this-bug',
    disks: ['sda'],
    starts: AT,
  },
  {
    name: 'a log server’s JSON',
    text: [CODE, BLOCK]
      .map((message) =>
        json({ '@timestamp': '2008-06-12T11:20:07Z', host: 'db1', program: 'kernel', message }),
      )
      .join(''),
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
    starts: AT,
  },
  {
    name: 'CSV with quotation marks',
    text: `"time","host","facility","severity","program","message"\n${[CODE, BLOCK].map((text) => `"2008-06-12 11:20:07","db1","kern","err","kernel","${text}"\n`).join('')}`,
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
    starts: AT,
  },
  {
    name: 'CSV with semicolons',
    text: [CODE, BLOCK].map((text) => `2008-06-12 11:20:07;db1;kernel;${text}\n`).join(''),
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
    starts: AT,
  },
  {
    name: 'a log server’s columns with tabs',
    text: [CODE, BLOCK].map((text) => `2008-06-12 11:20:07\tKern.Error\tdb1\t${text}\n`).join(''),
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
    starts: AT,
  },
  {
    name: 'RFC 5424',
    text: [CODE, BLOCK].map((text) => `<3>1 2008-06-12T11:20:07Z db1 kernel - - - ${text}\n`).join(''),
    verdict: 'this-bug',
    disks: ['sda'],
    host: 'db1',
    starts: AT,
  },
];

/** Devices that only a message of another layer names. */
const NAMED: readonly Pasted[] = [
  {
    name: 'a file system’s message names the disk',
    text: `${RHEL4}\nEXT3-fs error (device sda1): ext3_journal_start_sb: Detected aborted journal\n`,
    verdict: 'this-bug',
    disks: ['sda'],
    fileSystems: ['sda1'],
  },
  {
    name: 'so where the result has no address either',
    text: 'SCSI Error : return code = 0x20008\nEXT3-fs error (device sdb2): ext3_journal_start_sb: Detected aborted journal\n',
    verdict: 'this-bug',
    disks: ['sdb'],
  },
  {
    name: 'the command’s own line names it',
    text: `mptscsih: ioc0: attempting task abort! (sc=ffff88003d0f2b80)\nsd 0:0:2:0: [sdc] CDB: Write(10): 2a 00 00 01 1f 1d 00 00 08 00\n`,
    verdict: 'timeouts',
    disks: ['sdc'],
  },
  {
    name: 'the boot’s messages name it, days before',
    text: `Jun  2 08:00:00 db1 kernel: Attached scsi disk sdb at scsi0, channel 0, id 1, lun 0\nJun 12 11:20:00 db1 kernel: SCSI error : <0 0 1 0> return code = 0x20008\nJun 12 11:20:00 db1 kernel: ${JOURNAL}\n`,
    verdict: 'this-bug',
    disks: ['sdb'],
    mapped: ['dm-0'],
  },
  {
    name: 'multipath names it by its numbers',
    text: `${RHEL4}\ndevice-mapper: multipath: Failing path 8:0.\n`,
    verdict: 'this-bug',
    disks: ['sda'],
  },
  {
    name: 'two addresses and one name: nothing shows whose it is',
    text: `${RHEL4}\nSCSI error : <0 0 1 0> return code = 0x20008\nEXT3-fs error (device sda1): ext3_journal_start_sb: Detected aborted journal\n`,
    verdict: 'this-bug',
    disks: ['0:0:0:0', '0:0:1:0'],
  },
];

export const PASTED: readonly Pasted[] = [...HARMED, ...BROKEN, ...DATED, ...EXPORTED, ...NAMED];
