import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { onTestFinished } from 'vitest';
import { temporary } from '../../machine/temporary.ts';

export interface Relay {
  readonly port: number;
  readonly mails: readonly string[];
  /** The certificate that signs its own. */
  readonly ca: string;
  /** Who logged in, and whether the line was encrypted. */
  readonly logins: readonly string[];
  readonly close: () => Promise<void>;
}

export interface RelayOptions {
  readonly implicitTls?: boolean;
  /** Offers no STARTTLS and asks for no password. */
  readonly plain?: boolean;
  readonly password?: string;
  readonly port?: number;
}

/** A real SMTP server on loopback, for as long as the test runs. */
export async function relay(options: RelayOptions = {}): Promise<Relay> {
  const folder = await temporary();
  const [key, ca] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...[
        '-keyout',
        key,
        '-out',
        ca,
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost,IP:127.0.0.1',
      ],
    ],
    { stdio: 'ignore' },
  );
  const mails: string[] = [];
  const logins: string[] = [];
  const server = new SMTPServer({
    secure: options.implicitTls === true,
    key: readFileSync(key),
    cert: readFileSync(ca),
    authOptional: options.plain === true,
    disabledCommands: options.plain === true ? ['STARTTLS', 'AUTH'] : [],
    onAuth: ({ username, password }, session, done) => {
      const isRight = username === 'watch' && password === (options.password ?? 'secret');
      logins.push(`${username} ${session.secure ? 'encrypted' : 'in clear'} ${isRight}`);
      done(isRight ? null : new Error('wrong password'), isRight ? { user: username } : undefined);
    },
    onData: (stream, _session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push(Buffer.concat(chunks).toString());
        done();
      });
    },
  });
  // A client that does not trust the certificate breaks the line off.
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  onTestFinished(close);
  return { port: (server.server.address() as AddressInfo).port, mails, ca, logins, close };
}

export function headersOf(mail: string): ReadonlyMap<string, string> {
  const [head = ''] = mail.split(/\r?\n\r?\n/);
  const lines = head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
}
