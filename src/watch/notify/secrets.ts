/** A text that is shorter is part of too many others, and no secret worth the name. */
const SHORTEST = 3;
const SHOWN = '[secret]';

/** The text without each secret, in whatever form a server or a library may give it back. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const forms = secrets.flatMap(formsOf).filter(({ length }) => length >= SHORTEST);
  return forms
    .toSorted((a, b) => b.length - a.length)
    .reduce((shown, form) => shown.replaceAll(form, SHOWN), text);
}

function formsOf(secret: string): readonly string[] {
  const base64 = Buffer.from(secret).toString('base64');
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    base64,
    base64.replace(/=+$/, ''),
  ];
}

/** Where an event goes, without what proves the right to send it there. */
export interface WebhookTarget {
  /** Host and port, for messages: the only part of it that is no secret. */
  readonly host: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A name and password in an address are sent as HTTP's Basic authentication has them: fetch takes no such address. */
export function webhookTarget(address: string): WebhookTarget {
  const url = new URL(address);
  const login = [url.username, url.password].map((part) => decodeURIComponent(part)).join(':');
  const headers = login === ':' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
  url.username = '';
  url.password = '';
  return { host: url.host, url: url.href, headers: { 'content-type': 'application/json', ...headers } };
}
