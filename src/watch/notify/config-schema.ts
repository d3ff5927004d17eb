import * as v from 'valibot';
import type { Document } from '../../document.ts';
import { cleanText } from '../../guest/clean-text.ts';
import { isAddress } from './address.ts';

// Each rule has one message, whatever of it does not hold. `config.ts` loads this file only where there is a
// configuration: a watch without one starts sooner.

const text = v.pipe(v.string('must be a text'), v.nonEmpty('must be a text'));
const path = matching(/^\/[^\p{C}]+$/u, 'must be an absolute path');
const hostName = matching(/^[A-Za-z0-9.:_-]{1,255}$/, 'must be a host’s name or address');
const address = v.custom<string>(isAddress, 'must be a mail address');
const url = v.custom<string>(
  (value) => typeof value === 'string' && /^https?:\/\/[^\s\p{C}]+$/u.test(value) && URL.canParse(value),
  'must be a http:// or https:// address',
);
const days = v.pipe(
  v.array(v.pipe(v.number(), v.gtValue(0), v.maxValue(366))),
  v.minLength(1),
  v.maxLength(32),
);

function matching(pattern: RegExp, message: string) {
  return v.pipe(v.string(message), v.regex(pattern, message));
}

function whole(least: number, most: number) {
  const message = `must be a number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(most, message));
}

/** An object of these fields alone. Every other one is a problem of its own: valibot's strictObject reports the first. */
function fields<const Entries extends v.ObjectEntries>(entries: Entries, what = 'must be an object') {
  const schema = v.pipe(
    v.custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), what),
    v.objectWithRest(entries, v.never('not known'), 'is missing'),
  );
  return schema as unknown as v.StrictObjectSchema<Entries, undefined>;
}

const HERE: readonly unknown[] = ['localhost', '127.0.0.1', '::1'];

const smtp = v.pipe(
  fields({
    host: hostName,
    port: v.exactOptional(whole(1, 65535)),
    /** `tls`: from the first byte (port 465). `starttls`: refused where the relay does not offer it. */
    security: v.exactOptional(v.picklist(['tls', 'starttls', 'none'], 'must be tls, starttls or none')),
    user: v.exactOptional(text),
    /** Holds the password in its first line; root's own, mode 0600. */
    passwordFile: v.exactOptional(path),
    /** Certificates in PEM that the relay's is checked by, instead of the usual ones. */
    caFile: v.exactOptional(path),
  }),
  // These look at two fields together, and also where a third one is wrong.
  v.rawCheck(({ dataset: { value }, addIssue }) => {
    const { user, passwordFile, security, host } = partsOf(value);
    const report = (key: string, message: string): void =>
      addIssue({
        message,
        path: [{ type: 'object', origin: 'value', input: partsOf(value), key, value: partsOf(value)[key] }],
      });
    if (user !== undefined && passwordFile === undefined) report('user', 'needs passwordFile beside it');
    if (security === 'none' && user !== undefined && !HERE.includes(host))
      report('security', 'none would send the password in clear text');
  }),
);

const watch = fields({
  to: v.exactOptional(v.union([address, v.array(address)], 'must be a mail address, or a list of them')),
  /** Without it: `mptfix@HOST`. */
  from: v.exactOptional(address),
  smtp: v.exactOptional(smtp),
  /** The path of a program that takes `-t`; false: none. */
  sendmail: v.exactOptional(v.union([v.literal(false), path], 'must be an absolute path')),
  webhook: v.exactOptional(fields({ url })),
  kernelLog: v.exactOptional(v.boolean('must be true or false')),
  /** Days from one reminder to the next; the last one repeats. */
  reminderDays: v.exactOptional(
    v.custom<v.InferOutput<typeof days>>(
      (value) => v.is(days, value),
      'must be a list of days, each above 0',
    ),
  ),
  /** For each channel. */
  timeLimitSeconds: v.exactOptional(whole(1, 300)),
});

const config = fields({ watch: v.exactOptional(watch) }, 'the file must hold an object');

/** The part `watch` of the file, as it is written there. */
export type WatchSettings = Document<typeof watch>;

/** All that is wrong in a file, each with its place, and the fields of it that nothing is wrong with. */
export interface BadSettings {
  readonly problems: readonly string[];
  readonly rest: WatchSettings;
}

/** What the file says; or all that is wrong in it. */
export function parseSettings(found: unknown): WatchSettings | BadSettings {
  const { issues, success, output } = v.safeParse(config, found);
  if (success) return output.watch ?? {};
  return { problems: [...new Set(issues.map(problem))], rest: withoutBad(found, issues) };
}

/** A wrong word about the relay must not silence the address beside it. */
function withoutBad(found: unknown, issues: readonly v.BaseIssue<unknown>[]): WatchSettings {
  const bad = new Set(issues.map(({ path: place }) => place?.[1]?.key));
  const rest = Object.entries(partsOf(partsOf(found).watch)).filter(([name]) => !bad.has(name));
  const { success, output } = v.safeParse(config, { watch: Object.fromEntries(rest) });
  return success ? (output.watch ?? {}) : {};
}

function problem({ path: place, message }: v.BaseIssue<unknown>): string {
  const words = (place ?? []).map(({ key }) => cleanText(String(key)));
  return words.length === 0 ? message : `${words.join('.')}: ${message}`;
}

function partsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
