import { type LineNote, NOTABLE_START, NOTABLE_WORDS, notesOf } from './notes.ts';

/*
 * Counts the lines of a log, and those of them that the kernel wrote: where none is recognised, nothing was looked at, and
 * "no failure found" would be no answer.
 */

/** What was read of one part of a log, whatever is in it. */
export interface PartCensus {
  readonly lines: number;
  /** Lines that look like the kernel's. */
  readonly kernelLines: number;
  /** Lines of ESX's kernel: the log of the machine below the guest. */
  readonly hypervisorLines: number;
  /** The first and the last few lines, for their times. */
  readonly firstLines: readonly string[];
  readonly lastLines: readonly string[];
  /** Its beginning is no text. Undefined: it is. */
  readonly binary: 'binary' | 'journal' | undefined;
}

/** The kernel's tag stands before the message, after a time and a host. */
const TAG = ' kernel: ';
const TAG_WITHIN = 200;
/** journalctl's own lines, which are in no log: `-- No entries --`, `-- Boot 4f0c… --`. */
const REMARK = '-- ';
/** A longer line is cut. */
const MAX_LINE = 16 * 1024;
const MAX_KEPT = 300;
const FEW = 8;

/** The kernel's own forms at the start of a line: printk's time, its priority, /dev/kmsg, dmesg -x, -T and -H. */
const KERNEL_START =
  /(?:<(?<raw>\d{1,3})>)?(?:\[ {0,8}\d{1,12}\.\d{6}\] ?)|<(?<priority>\d{1,3})>(?!1 )|(?<kmsg>\d{1,5}),\d{1,20},\d{1,20},[^;\n]{0,256};|kern {0,4}:[a-z]{3,6} {0,4}: |\[[^\]\n[]{1,40}\d{2}:\d{2}(?::\d{2})?[^\]\n[]{0,12}\] (?!\[[a-z:]{3,20}\])|\[ {0,8}\+\d{1,9}\.\d{6}\] /y;
/** The same in other places: RFC 5424, journalctl -o export and json, and messages without any prefix. */
const KERNEL_ELSEWHERE =
  /(?:<\d{1,3}>1 )?\d{4}-\d\d-\d\dT\S{8,24} \S{1,255} kernel (?:\d{1,10}|-) |kernel: |_TRANSPORT=kernel|\{[^\n]{0,2000}"_TRANSPORT" ?: ?"kernel"/y;
/** How messages begin in a log without any prefix, as a kernel of before 2.6.30 and many a web page has it. */
const BARE_MESSAGE =
  /Linux version \d|Kernel command line|BIOS-e820|ACPI: |SCSI (?:subsystem|device|disk error|[Ee]rror) ?|scsi ?(?:host)?\d{1,4} ?: |sd \d{1,5}:\d|sd[a-z]{1,2}: |EXT[234]-fs|XFS |XFS: |JBD|kjournald |end_request: |blk_update_request: |Buffer I\/O error|I\/O error|Aborting journal|ext[34]_|Remounting filesystem|mpt(?:base|scsi|spi|sas|fc)|Fusion MPT|device-mapper: |usb \d|eth\d: |pci 0000:|NET: |TCP: |Freeing |Memory: \d|hd[a-z]: |ata\d{1,3}: |lost page write/y;
/** ESX writes the processor and the world before each message, `cpu7:8199)`; in syslog's form, its tag before that. */
const HYPERVISOR_TAG = ' vmkernel: ';
const HYPERVISOR_START =
  /\d{4}-\d\d-\d\dT[\d:.]{8,16}Z (?:[A-Z][a-z]\(\d{1,3}\) vmkernel: )?cpu\d{1,4}:\d{1,9}/y;
const PRINTK_TIME = /\[ {0,8}\d{1,12}\.\d{6}\] ?/y;
/** With which a message begins that NOTABLE_START fits. */
const NOTABLE_LETTERS = new Set([...'LsmiFhcqlaA3vbfp'].map((letter) => letter.charCodeAt(0)));

const SAMPLE_BYTES = 64 * 1024;
/** Log files have blocks of NUL after a crash, and colours; no text has more of what cannot be printed. */
const MAX_UNPRINTABLE = 0.05;
/** journald's own file: HEADER_SIGNATURE of journal-def.h. */
const JOURNAL_MAGIC = 'LPKSHHRH';

/** Takes the bytes of one part as they come. @param onNote called for each line that makes a note, in their order */
export function lineCensus(onNote: (note: LineNote) => void) {
  let rest = '';
  let lines = 0;
  let kernelLines = 0;
  let hypervisorLines = 0;
  let sampled = 0;
  let unprintable = 0;
  let isJournal = false;
  const firstLines: string[] = [];
  let lastText = '';
  let firstKernelLine: string | undefined;

  const sample = (bytes: Uint8Array): void => {
    if (sampled === 0) isJournal = Buffer.from(bytes.subarray(0, 8)).toString('latin1') === JOURNAL_MAGIC;
    const head = bytes.subarray(0, SAMPLE_BYTES - sampled);
    for (const byte of head)
      if ((byte < 0x20 && !(byte >= 0x08 && byte <= 0x0d) && byte !== 0x1b) || byte === 0x7f)
        unprintable += 1;
    sampled += head.length;
  };

  /** Looks at whole lines. */
  const look = (text: string): void => {
    const notable = new Set<number>();
    for (const word of NOTABLE_WORDS)
      for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1))
        notable.add(at === 0 ? 0 : text.lastIndexOf('\n', at) + 1);
    let tag = text.indexOf(TAG);
    let below = text.indexOf(HYPERVISOR_TAG);
    for (let start = 0; start < text.length; ) {
      const found = text.indexOf('\n', start);
      const end = found === -1 ? text.length : found;
      while (tag !== -1 && tag < start) tag = text.indexOf(TAG, tag + 1);
      while (below !== -1 && below < start) below = text.indexOf(HYPERVISOR_TAG, below + 1);
      if (text.startsWith(REMARK, start)) {
        start = end + 1;
        continue;
      }
      const message = messageStart(text, start, tag < end ? tag : -1);
      lines += 1;
      if (message === -1 && ((below !== -1 && below < end) || isHypervisors(text, start)))
        hypervisorLines += 1;
      if (firstLines.length < FEW) firstLines.push(kept(text, start, end));
      if (message !== -1) {
        kernelLines += 1;
        firstKernelLine ??= kept(text, start, end);
      }
      if (isNotable(text, message) || (notable.size > 0 && notable.has(start))) {
        for (const note of notesOf(text.slice(start, Math.min(end, start + MAX_LINE)))) onNote(note);
      }
      start = end + 1;
    }
    lastText = text;
  };

  return {
    write: (bytes: Uint8Array): void => {
      if (sampled < SAMPLE_BYTES) sample(bytes);
      const text = rest + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
      const end = text.lastIndexOf('\n') + 1;
      rest = text.slice(end, end + MAX_LINE);
      if (end > 0) look(text.slice(0, end));
    },
    /** Whether no line of the kernel stands before this one, as far as it was read. */
    begins: (line: string): boolean => {
      const start = Buffer.from(line).toString('latin1').slice(0, MAX_KEPT);
      return firstKernelLine === undefined || start.trimEnd() === firstKernelLine.trimEnd();
    },
    end: (): PartCensus => {
      if (rest !== '') look(rest);
      rest = '';
      const isText = sampled === 0 || unprintable / sampled <= MAX_UNPRINTABLE;
      const binary = isJournal ? 'journal' : 'binary';
      return {
        ...{ lines, kernelLines, hypervisorLines, firstLines },
        lastLines: lastFew(lastText),
        binary: isText && !isJournal ? undefined : binary,
      };
    },
  };
}

/** A copy: a slice would keep the whole piece in memory. */
function kept(text: string, start: number, end: number): string {
  return Buffer.from(text.slice(start, Math.min(end, start + MAX_KEPT)), 'latin1').toString('latin1');
}

function lastFew(text: string): readonly string[] {
  const lines: string[] = [];
  for (let end = text.length; end > 0 && lines.length < FEW; ) {
    const start = end === 1 ? 0 : text.lastIndexOf('\n', end - 2) + 1;
    lines.unshift(kept(text, start, end).trimEnd());
    end = start;
  }
  return lines;
}

const SPACE = 0x20;
const COLON = 0x3a;
const BRACKET = 0x5b;

function isHypervisors(text: string, start: number): boolean {
  return text.charCodeAt(start + 4) === 0x2d && startsAt(HYPERVISOR_START, text, start);
}

/** Where the kernel's message begins on a line; -1 where the line is not the kernel's. `tag`: where its tag is, or -1. */
function messageStart(text: string, start: number, tag: number): number {
  if (tag !== -1 && tag - start <= TAG_WITHIN) return afterTime(text, tag + TAG.length);
  // A line of syslog, `Jun 12 11:20:00`, without the tag: most lines of most logs.
  if (text.charCodeAt(start + 3) === SPACE && text.charCodeAt(start + 9) === COLON) return -1;
  KERNEL_START.lastIndex = start;
  const match = KERNEL_START.exec(text);
  if (match !== null) {
    const { raw, priority, kmsg } = match.groups ?? {};
    // syslog(2): the facility is the priority without its last three bits, and the kernel's is 0.
    if (Number(raw ?? priority ?? kmsg ?? 0) >> 3 !== 0) return -1;
    return afterTime(text, KERNEL_START.lastIndex);
  }
  if (startsAt(BARE_MESSAGE, text, start)) return start;
  return startsAt(KERNEL_ELSEWHERE, text, start) ? KERNEL_ELSEWHERE.lastIndex : -1;
}

function isNotable(text: string, message: number): boolean {
  return (
    message !== -1 && NOTABLE_LETTERS.has(text.charCodeAt(message)) && startsAt(NOTABLE_START, text, message)
  );
}

function startsAt(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}

/** Where the message begins after a tag: behind printk's time, if there is one. */
function afterTime(text: string, at: number): number {
  return text.charCodeAt(at) === BRACKET && startsAt(PRINTK_TIME, text, at) ? PRINTK_TIME.lastIndex : at;
}
