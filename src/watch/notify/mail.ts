import { cleanText } from '../../guest/clean-text.ts';
import type { NotifyConfig } from './config.ts';
import type { Message } from './message.ts';
import type { Notice } from './notice.ts';

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
