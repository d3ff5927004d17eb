import { cleanText } from '../../guest/clean-text.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Says what is wrong with a value; undefined: nothing. */
type Rule = (value: unknown, all: Fields) => string | undefined;

const text: Rule = (value) => (typeof value === 'string' && value !== '' ? undefined : 'must be a text');
const flag: Rule = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false');
const path: Rule = (value) =>
  typeof value === 'string' && /^\/[^\p{C}]+$/u.test(value) ? undefined : 'must be an absolute path';
const port: Rule = (value) => (isWhole(value, 1, 65535) ? undefined : 'must be a number from 1 to 65535');
const seconds: Rule = (value) => (isWhole(value, 1, 300) ? undefined : 'must be a number from 1 to 300');
const address: Rule = (value) => (isAddress(value) ? undefined : 'must be a mail address');
const addresses: Rule = (value) =>
  (Array.isArray(value) ? value : [value]).every(isAddress)
    ? undefined
    : 'must be a mail address, or a list of them';
const hostName: Rule = (value) =>
  typeof value === 'string' && /^[A-Za-z0-9.:_-]{1,255}$/.test(value)
    ? undefined
    : 'must be a host’s name or address';
const security: Rule = (value, { user, host }) => {
  if (value !== 'tls' && value !== 'starttls' && value !== 'none') return 'must be tls, starttls or none';
  const isHere = ['localhost', '127.0.0.1', '::1'].includes(String(host));
  return value === 'none' && user !== undefined && !isHere
    ? 'none would send the password in clear'
    : undefined;
};
const user: Rule = (value, all) =>
  text(value, all) ?? (all.passwordFile === undefined ? 'needs passwordFile beside it' : undefined);
const url: Rule = (value) => (isWebUrl(value) ? undefined : 'must be a http:// or https:// address');
const days: Rule = (value) =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.length <= 32 &&
  value.every((day) => typeof day === 'number' && day > 0 && day <= 366)
    ? undefined
    : 'must be a list of days, each above 0';

const WATCH: Readonly<Record<string, Rule>> = {
  to: addresses,
  from: address,
  sendmail: (value, all) => (value === false ? undefined : path(value, all)),
  kernelLog: flag,
  reminderDays: days,
  timeLimitSeconds: seconds,
};
const SMTP: Readonly<Record<string, Rule>> = {
  host: hostName,
  port,
  security,
  user,
  passwordFile: path,
  caFile: path,
};
const WEBHOOK: Readonly<Record<string, Rule>> = { url };

/** All that is wrong in the file, each with its place; empty: nothing. */
export function configProblems(found: unknown): readonly string[] {
  if (!isFields(found)) return ['the file must hold an object'];
  const { watch = {}, ...others } = found;
  const unknown = Object.keys(others).map((name) => `${cleanText(name)}: not known`);
  if (!isFields(watch)) return [...unknown, 'watch: must be an object'];
  const { smtp, webhook, ...plain } = watch;
  return [
    ...unknown,
    ...problemsOf('watch', plain, WATCH, []),
    ...(smtp === undefined ? [] : part('watch.smtp', smtp, SMTP, ['host'])),
    ...(webhook === undefined ? [] : part('watch.webhook', webhook, WEBHOOK, ['url'])),
  ];
}

function part(
  place: string,
  value: unknown,
  rules: Readonly<Record<string, Rule>>,
  needed: readonly string[],
): readonly string[] {
  return isFields(value) ? problemsOf(place, value, rules, needed) : [`${place}: must be an object`];
}

function problemsOf(
  place: string,
  fields: Fields,
  rules: Readonly<Record<string, Rule>>,
  needed: readonly string[],
): readonly string[] {
  const missing = needed
    .filter((name) => fields[name] === undefined)
    .map((name) => `${place}.${name}: is missing`);
  const wrong = Object.entries(fields).flatMap(([name, value]) => {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    const problem = rule === undefined ? 'not known' : rule(value, fields);
    return problem === undefined ? [] : [`${place}.${cleanText(name)}: ${problem}`];
  });
  return [...missing, ...wrong];
}

/** `name@host`, or a local name such as `root`; nothing that a header or a list could be made of. */
export function isAddress(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= 254 &&
    /^[^\s\p{C}@,;:<>()[\]"\\]+(@[^\s\p{C}@,;:<>()[\]"\\]+)?$/u.test(value)
  );
}

function isWebUrl(value: unknown): boolean {
  return typeof value === 'string' && /^https?:\/\/[^\s\p{C}]+$/u.test(value) && URL.canParse(value);
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
