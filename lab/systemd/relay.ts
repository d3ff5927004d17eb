import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

export interface Mail {
  /** When it came, in ms since 1970. */
  readonly at: number;
  readonly subject: string;
  readonly text: string;
}

/** A mail relay on loopback that keeps what it is given. */
export async function openRelay(
  onMail: (mail: Mail) => void,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData: (stream, _session, done) => {
      text(stream).then((whole) => {
        const subject = /^Subject: (.*(?:\r\n[ \t].*)*)/m.exec(whole)?.[1]?.replace(/\r\n\s+/g, ' ') ?? '';
        onMail({ at: Date.now(), subject, text: whole });
        done();
      }, done);
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
