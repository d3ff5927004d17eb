import { cleanText } from '../../guest/clean-text.ts';
import type { WatchedState } from '../document.ts';
import type { NotifyConfig } from './config.ts';
import type { Notice, NoticeItem } from './notice.ts';

export interface Message {
  /** One line. */
  readonly subject: string;
  readonly text: string;
}

const LONGEST_LINE = 400;
const LONGEST_SUBJECT = 160;

const STATE_WORDS: Readonly<Record<WatchedState, string>> = {
  ok: 'writable again',
  errors: 'has errors',
  'read-only': 'READ-ONLY',
  'shut-down': 'SHUT DOWN',
  'io-error': 'FAILS TO WRITE',
  hang: 'HANGS',
};

const FIRST_LINE: Readonly<Record<Notice['event'], string>> = {
  alarm: 'File systems of this host cannot be written any more.',
  reminder: 'File systems of this host still cannot be written.',
  recovery: 'File systems of this host can be written again, or are no longer mounted.',
  test: 'This is a test of mptfix watch: its reader will be notified when a file system turns read-only.',
};

/** The mail that says it. Whatever names hold (line breaks, escapes), each is one printable line here. */
export function messageOf(notice: Notice): Message {
  const { event, host, time, fileSystems, cause, advice, kernelLines } = notice;
  const where = fileSystems.map(({ mountPoint }) => clean(mountPoint)).join(', ');
  const tag = event === 'reminder' ? 'reminder: ' : '';
  const subject =
    event === 'test'
      ? `[mptfix] ${clean(host)}: test`
      : `[mptfix] ${clean(host)}: ${tag}${STATE_WORDS[worst(event, fileSystems)]}: ${where}`;
  return {
    subject: cleanText(subject, LONGEST_SUBJECT),
    text: [
      FIRST_LINE[event],
      '',
      `host:  ${clean(host)}`,
      `time:  ${clean(time)}`,
      ...fileSystems.flatMap(describe),
      ...(event === 'alarm' || event === 'reminder' ? ['', `likely cause: ${clean(cause)}`] : []),
      ...section('what to do:', advice),
      ...section('the kernel said:', kernelLines),
      '',
    ].join('\n'),
  };
}

/** One line for the kernel's log and for logs of all kinds. */
export function lineOf(notice: Notice): string {
  return cleanText(messageOf(notice).subject.replace(/^\[mptfix\] /, 'mptfix watch: '), LONGEST_LINE);
}

function describe(item: NoticeItem): readonly string[] {
  const disk = item.disk === null ? '' : `, disk ${clean(item.disk)}`;
  return [
    '',
    `${clean(item.mountPoint)}: ${STATE_WORDS[item.state]} since ${clean(item.since)}`,
    `  ${clean(item.fsType)} on ${clean(item.source)} (${clean(item.device)}${disk})`,
    ...item.evidence.map(({ kind, detail }) => `  ${kind}: ${clean(detail)}`),
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${clean(line)}`)];
}

function worst(event: Notice['event'], items: readonly NoticeItem[]): WatchedState {
  return event === 'recovery' ? 'ok' : (items[0]?.state ?? 'read-only');
}

function clean(text: string): string {
  return cleanText(text, LONGEST_LINE);
}

/** What nodemailer makes a mail of: it encodes what is not ASCII by RFC 2047. */
export interface Mail {
  readonly from: string;
  readonly to: string[];
  readonly subject: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly disableFileAccess: true;
  readonly disableUrlAccess: true;
}

export function mailOf({ subject, text }: Message, notice: Notice, config: NotifyConfig): Mail {
  return {
    from: config.from ?? `mptfix@${hostPart(notice.host)}`,
    to: [...config.to],
    subject,
    text,
    // RFC 3834: no vacation message answers it.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Mptfix-Event': notice.event },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** Of a host's name what may stand in an address. */
export function hostPart(host: string): string {
  const name = cleanText(host)
    .replace(/[^A-Za-z0-9.-]/g, '')
    .replace(/^[.-]+|[.-]+$/g, '');
  return name === '' ? 'localhost' : name;
}
