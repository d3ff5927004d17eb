import { setTimeout } from 'node:timers/promises';
import { startWorker } from '../../filesystems/worker/start.ts';
import { cleanText } from '../../guest/clean-text.ts';
import { LIMITS } from '../../limits.ts';
import type { Target } from '../../machine/port.ts';
import type { ChannelName, Delivery } from '../document.ts';
import { type NotifyConfig, requireRoots, type SmtpRelay } from './config.ts';
import { hostPart, lineOf, mailOf, messageOf } from './message.ts';
import type { Notice } from './notice.ts';
import { webhookTarget, withoutSecrets } from './secrets.ts';

/** One way to notify somebody. */
export interface Channel {
  readonly name: ChannelName;
  /** Resolves when it was taken; rejects with the reason. `signal` is aborted when its time is over. */
  readonly send: (notice: Notice, signal: AbortSignal) => Promise<void>;
}

/**
 * The channels that are there, in the order in which they are tried. A relay needs no disk of this guest, a local MTA
 * has to spool to one.
 */
export function channelsOf(target: Target, config: NotifyConfig): readonly Channel[] {
  const { smtp, sendmail, webhook, to, kernelLog } = config;
  const hasReader = to.length > 0;
  const channels: Channel[] = [];
  if (smtp !== undefined && hasReader)
    channels.push({
      name: 'smtp',
      send: (notice, signal) => bySmtp(target, smtp, config, { notice, signal }),
    });
  if (sendmail !== false && hasReader)
    channels.push({ name: 'sendmail', send: (notice) => bySendmail(sendmail, config, notice) });
  if (webhook !== undefined)
    channels.push({ name: 'webhook', send: (notice, signal) => byWebhook(webhook.url, notice, signal) });
  if (kernelLog) channels.push({ name: 'kernel-log', send: (notice) => byKernelLog(target, notice) });
  return channels;
}

async function bySmtp(
  target: Target,
  relay: SmtpRelay,
  config: NotifyConfig,
  { notice, signal }: { readonly notice: Notice; readonly signal: AbortSignal },
): Promise<void> {
  const { createTransport } = await import('nodemailer');
  const milliseconds = config.timeLimitSeconds * 1000;
  const login = await credentials(target, relay);
  const transport = createTransport({
    host: relay.host,
    port: relay.port,
    secure: relay.security === 'tls',
    requireTLS: relay.security === 'starttls',
    ignoreTLS: relay.security === 'none',
    name: hostPart(notice.host),
    connectionTimeout: milliseconds,
    greetingTimeout: milliseconds,
    socketTimeout: milliseconds,
    dnsTimeout: milliseconds,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...login,
    ...(await trustOf(target, relay)),
  });
  signal.addEventListener('abort', () => transport.close(), { once: true });
  try {
    const { rejected } = await transport.sendMail(mailOf(messageOf(notice), notice, config));
    if (rejected.length > 0) throw new Error(`the relay refused ${rejected.length} of the addresses`);
  } catch (error) {
    throw new Error(withoutSecrets(reasonOf(error), secretsOf(login)));
  } finally {
    transport.close();
  }
}

async function trustOf(
  target: Target,
  { caFile }: SmtpRelay,
): Promise<{ readonly tls?: { readonly ca: Buffer } }> {
  return caFile === undefined ? {} : { tls: { ca: await target.read(caFile, LIMITS.textBytes) } };
}

interface Login {
  readonly auth?: { readonly user: string; readonly pass: string };
}

/** A relay may send back what it was sent: the password, or the line of AUTH PLAIN or AUTH LOGIN with it. */
function secretsOf({ auth }: Login): readonly string[] {
  return auth === undefined ? [] : [auth.pass, `\u0000${auth.user}\u0000${auth.pass}`];
}

async function credentials(target: Target, { user, passwordFile }: SmtpRelay): Promise<Login> {
  if (user === undefined || passwordFile === undefined) return {};
  await requireRoots(target, passwordFile, 0o077);
  const [pass = ''] = (await target.readRange(passwordFile, 0, 4096)).toString('utf8').split(/\r?\n/);
  return { auth: { user, pass } };
}

/** The program is started by a process of its own: starting it from a dead disk may never come back. */
async function bySendmail(program: string, config: NotifyConfig, notice: Notice): Promise<void> {
  const { createTransport } = await import('nodemailer');
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'unix' });
  const { message } = await composer.sendMail(mailOf(messageOf(notice), notice, config));
  const worker = startWorker('sendmail', message as Buffer, config.timeLimitSeconds, { words: [program] });
  const { ended, status, output } = await worker.done;
  if (!ended) throw new Error(`${program} did not end within ${config.timeLimitSeconds} s`);
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${output.trim().slice(0, 500)}`);
}

async function byWebhook(url: string, notice: Notice, signal: AbortSignal): Promise<void> {
  const target = webhookTarget(url);
  const body = JSON.stringify(notice);
  const response = await fetch(target.url, {
    ...{ method: 'POST', headers: target.headers, body, redirect: 'error', signal },
  }).catch((error: unknown) => {
    // The address may hold a secret, and a message of fetch the address.
    throw new Error(`${target.host} could not be asked: ${codeOf(error)}`);
  });
  await response.body?.cancel().catch(() => {});
  if (!response.ok) throw new Error(`${target.host} answered ${response.status}`);
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : 'it redirects, or does not speak HTTP';
}

/** Priority 2 is `crit`: consoles show it. What a process writes there never looks like the kernel's own message. */
async function byKernelLog(target: Target, notice: Notice): Promise<void> {
  await target.emit('/dev/kmsg', `<2>${lineOf(notice)}\n`);
}

/** Tries one channel after the other, each for its time at most, until one takes the notice. Never rejects. */
export async function deliver(
  channels: readonly Channel[],
  notice: Notice,
  timeLimitSeconds: number,
): Promise<Delivery> {
  const errors: { channel: ChannelName; reason: string }[] = [];
  for (const { name, send } of channels) {
    const reason = await withinTime((signal) => send(notice, signal), timeLimitSeconds);
    if (reason === undefined) return { by: name, errors };
    errors.push({ channel: name, reason: cleanText(reason, 400) });
  }
  return { by: null, errors };
}

/** Undefined: done. Else why not. */
async function withinTime(
  step: (signal: AbortSignal) => Promise<void>,
  seconds: number,
): Promise<string | undefined> {
  const controller = new AbortController();
  const { signal } = controller;
  const done = step(signal).then(() => undefined, reasonOf);
  const late = setTimeout(seconds * 1000 + 500, `did not answer within ${seconds} s`, { signal });
  const reason = await Promise.race([done, late]);
  controller.abort();
  return reason;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== ''
    ? `${error.message}: ${error.cause.message}`
    : error.message;
}
