import { dirname } from 'node:path';
import { failure } from '../../errors.ts';
import type { Target } from '../../machine/port.ts';
import type { WatchSettings } from './config-schema.ts';

export const CONFIG_FILE = '/etc/mptfix.json';
const MOST_BYTES = 64 * 1024;

type SmtpSettings = NonNullable<WatchSettings['smtp']>;
export type SmtpRelay = SmtpSettings & Required<Pick<SmtpSettings, 'security' | 'port'>>;

/** The part `watch` of /etc/mptfix.json, with its defaults. */
export interface NotifyConfig
  extends Required<Pick<WatchSettings, 'sendmail' | 'kernelLog' | 'reminderDays' | 'timeLimitSeconds'>>,
    Pick<WatchSettings, 'from' | 'webhook'> {
  readonly to: readonly string[];
  readonly smtp?: SmtpRelay | undefined;
}

/** As smartd's `-M diminishing` has it, with its bound. */
const REMINDER_DAYS: readonly number[] = [1, 2, 4, 8, 16, 32];
const PORTS: Readonly<Record<SmtpRelay['security'], number>> = { tls: 465, starttls: 587, none: 25 };

/**
 * Reads the file: parse, fill in, validate. Without one there are the defaults. Throws E_CONFIG_UNSAFE where somebody
 * else than root could have written it, E_CONFIG_INVALID with all that is wrong in it.
 */
export async function readConfig(target: Target, path: string = CONFIG_FILE): Promise<NotifyConfig> {
  if ((await target.lstat(path)) === undefined) {
    if (path === CONFIG_FILE) return defaultConfig();
    throw failure('E_CONFIG_INVALID', `there is no file ${path}`, 'give --config an existing file');
  }
  await requireRoots(target, path, 0o022);
  const { parseSettings } = await import('./config-schema.ts');
  const settings = parseSettings(parse((await target.readRange(path, 0, MOST_BYTES)).toString('utf8'), path));
  if (!('problems' in settings)) return normalised(settings);
  throw failure(
    'E_CONFIG_INVALID',
    `${path}: ${settings.problems.join('; ')}`,
    `correct ${path}: docs/watch.md shows one`,
  );
}

export function defaultConfig(): NotifyConfig {
  return normalised({});
}

/** Throws E_CONFIG_UNSAFE where not root owns the file and its folder, or others have the bits of `forbidden`. */
export async function requireRoots(target: Target, path: string, forbidden: number): Promise<void> {
  for (const [place, bits] of [
    [path, forbidden],
    [dirname(path), 0o022],
  ] as const) {
    const status = await target.stat(place);
    if (status !== undefined && status.uid === 0 && (status.mode & bits) === 0) continue;
    // The sticky bit keeps others from replacing a file of root's.
    if (status !== undefined && place !== path && status.uid === 0 && (status.mode & 0o1000) !== 0) continue;
    throw failure(
      'E_CONFIG_UNSAFE',
      `${place} does not belong to root, or others may ${forbidden === 0o077 && place === path ? 'read or ' : ''}write it`,
      `chown root ${place}; chmod ${forbidden === 0o077 && place === path ? '600' : 'go-w'} ${place}`,
    );
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw failure('E_CONFIG_INVALID', `${path} is not JSON: ${what}`, `correct ${path}`);
  }
}

function normalised(watch: WatchSettings): NotifyConfig {
  const { smtp, to = [], ...others } = watch;
  const security = smtp?.security ?? 'starttls';
  return {
    sendmail: '/usr/sbin/sendmail',
    kernelLog: true,
    reminderDays: REMINDER_DAYS,
    timeLimitSeconds: 20,
    ...others,
    to: typeof to === 'string' ? [to] : to,
    smtp: smtp && { ...smtp, security, port: smtp.port ?? PORTS[security] },
  };
}
