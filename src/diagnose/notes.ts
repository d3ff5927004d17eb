import { parseLine } from '../kernel-log/prefix.ts';
import type { LogTime } from '../kernel-log/time.ts';
import { type Adapter, adapterOf } from './adapters.ts';

/** What a line says beside the messages of the table: which machine this is, and what its log may lack. */
export type Note =
  /** `Linux version 2.6.18-8.el5 (…)`: the kernel that writes from here on. */
  | { readonly kind: 'kernel'; readonly release: string }
  /** An adapter's driver speaks, or introduces itself. */
  | { readonly kind: 'adapter'; readonly adapter: Adapter }
  /** Messages of the kernel did not reach the log. `what`: one clause for a person. */
  | { readonly kind: 'lost'; readonly what: string }
  /** The result of a command that is not there whole. `what`: the line, as far as it goes. */
  | { readonly kind: 'cut'; readonly what: string };

/** A note with what its line says of when and where. */
export interface LineNote {
  readonly note: Note;
  readonly host: string | undefined;
  readonly time: LogTime | undefined;
  readonly kernelSeconds: number | undefined;
}

/** How the kernel's own messages begin that make a note; the others need not be looked at. */
export const NOTABLE_START =
  /Linux version \d|(?:scsi|mpt|ioc\d|Fusion MPT|hpsa|cciss|qla|lpfc|mega|aacraid|AAC\d|arcmsr|3w-|virtio|vmw_|pvscsi|hv_|storvsc|smartpqi|bfa|fnic|host\d+: fnic|ibmvscsi|printk: )/y;

/** Words of lines that tell of lost messages or have the result of a command, wherever they stand. */
export const NOTABLE_WORDS = ['essages', 'return code', 'hostbyte=', 'scmd('] as const;

/** Who says that messages of the kernel were lost. */
const LOST: readonly { readonly pattern: RegExp; readonly text: (count: string) => string }[] = [
  // printk_ratelimit() to 2.6.x; lib/ratelimit.c is the signature `suppressed`.
  {
    pattern: /^(?:printk: )?(?<count>\d{1,9}) messages suppressed/,
    text: (count) => `the kernel did not print ${count} messages (its rate limit)`,
  },
  // systemd-journald, journald-kmsg.c.
  {
    pattern: /Missed (?<count>\d{1,9}) kernel messages/,
    text: (count) => `journald missed ${count} of the kernel’s messages`,
  },
  {
    pattern: /\/dev\/kmsg buffer overrun/,
    text: () => 'journald lost messages of the kernel (its buffer ran over)',
  },
  // rsyslog's imklog and imkmsg, klogd.
  {
    pattern: /(?:imklog|imkmsg|klogd)\b[^\n]{0,80}?(?<count>\d{1,9}) (?:kernel )?messages lost/,
    text: (count) => `syslog lost ${count} of the kernel’s messages`,
  },
];

const RESULT_WORDS = /return ?code|hostbyte=/;
/** A result with its value. White space gets lost and doubled where a log is pasted. */
const WHOLE_RESULT =
  /return\s*code\s*=\s*(?:0x)?(?:[1-9a-f][\da-f]{0,7}|0[\da-f]{7})(?![\da-z])|hostbyte=\w{3,40},?\s+driverbyte=\w/i;
const MAX_QUOTED = 120;

/** The notes that a line makes; none where another program wrote it. */
export function notesOf(line: string): readonly LineNote[] {
  const { prefix, text } = parseLine(line);
  const { host, time, kernelSeconds } = prefix;
  const message = text.trimStart();
  const isAnother = prefix.writer === 'another';
  const first = noteOfMessage(message, isAnother);
  const within = !isAnother && RESULT_WORDS.test(message) ? adaptersWithin(message) : [];
  return [...(first === undefined ? [] : [first]), ...within].map((note) => ({
    ...{ note, host, time, kernelSeconds },
  }));
}

/** Where an adapter's message may begin in a paragraph of several. */
const WITHIN =
  /(?<=[\s.!)\]])(?:mpt[23]sas|mptbase|mptscsih?:|hpsa|cciss|qla2xxx|lpfc|mega|aacraid|virtio_scsi|vmw_pvscsi|hv_storvsc)/g;

/** The adapters that speak in a line with a command's result: a web page puts many messages into one. */
function adaptersWithin(text: string): readonly Note[] {
  return [...text.matchAll(WITHIN)].flatMap(({ index }): Note[] => {
    const adapter = adapterOf(text.slice(index, index + 200));
    return adapter === undefined ? [] : [{ kind: 'adapter', adapter }];
  });
}

/** `another`: another program than the kernel wrote it. Only that messages were lost is its to say. */
function noteOfMessage(text: string, another: boolean): Note | undefined {
  for (const { pattern, text: told } of LOST) {
    const match = pattern.exec(text);
    if (match !== null) return { kind: 'lost', what: told(match.groups?.count ?? '') };
  }
  if (another) return undefined;
  const release = /^Linux version (?<release>\d[\w.+~-]{2,100})/.exec(text)?.groups?.release;
  if (release !== undefined) return { kind: 'kernel', release };
  if (RESULT_WORDS.test(text)) {
    return WHOLE_RESULT.test(text) ? undefined : { kind: 'cut', what: text.trim().slice(0, MAX_QUOTED) };
  }
  const adapter = adapterOf(text);
  return adapter === undefined ? undefined : { kind: 'adapter', adapter };
}
