import { type Failure, failure, isFailure } from '../../errors.ts';
import { isCode } from '../../machine/file-errors.ts';
import type { Target } from '../../machine/port.ts';
import { foreignPlace } from '../../owned.ts';
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
  const { config, problem } = await usableConfig(target, path);
  if (problem !== undefined) throw failure(problem.code, problem.what, problem.next);
  return config;
}

/** What can be used of a configuration, and what is wrong with it. */
export interface UsableConfig {
  readonly config: NotifyConfig;
  readonly problem?: Failure | undefined;
}

/** The same for who has to watch whatever is wrong with it. Throws nothing: what cannot be read is a problem, too. */
export async function usableConfig(target: Target, path: string = CONFIG_FILE): Promise<UsableConfig> {
  let read: Settings = { settings: {} };
  try {
    read = await readSettings(target, path);
    if (read.problem === undefined) await requireParts(target, read.settings);
    return { config: normalised(read.settings), problem: read.problem };
  } catch (error) {
    return { config: normalised(read.settings), problem: problemOf(error, path) };
  }
}

function problemOf(error: unknown, path: string): Failure {
  if (isFailure(error)) return error.failure;
  if (isCode(error, 'EACCES'))
    return failure('E_NOT_ROOT', `only root may read ${path}`, 'run the same command as root (sudo)').failure;
  const reason = error instanceof Error ? error.message : String(error);
  return failure('E_CONFIG_INVALID', `${path} cannot be read: ${reason}`, `see to the disk of ${path}`)
    .failure;
}

interface Settings {
  readonly settings: WatchSettings;
  readonly problem?: Failure;
}

async function readSettings(target: Target, path: string): Promise<Settings> {
  if ((await target.lstat(path)) === undefined) {
    if (path === CONFIG_FILE) return { settings: {} };
    throw failure('E_CONFIG_INVALID', `there is no file ${path}`, 'give --config an existing file');
  }
  await requireRoots(target, path, 0o022);
  const { parseSettings } = await import('./config-schema.ts');
  const settings = parseSettings(parse((await target.readRange(path, 0, MOST_BYTES)).toString('utf8'), path));
  if (!('problems' in settings)) return { settings };
  const what = `${path}: ${settings.problems.join('; ')}`;
  const next = `correct ${path}: docs/watch.md shows one`;
  return { settings: settings.rest, problem: failure('E_CONFIG_INVALID', what, next).failure };
}

/** Throws where a file that they name is not there: it would be missed only when there is something to tell. */
async function requireParts(target: Target, { smtp }: WatchSettings): Promise<void> {
  for (const path of [smtp?.passwordFile, smtp?.caFile]) {
    if (path === undefined || (await target.stat(path))?.type === 'file') continue;
    throw failure('E_CONFIG_INVALID', `there is no file ${path}, which the relay needs`, `write ${path}`);
  }
  if (smtp?.passwordFile !== undefined) await requireRoots(target, smtp.passwordFile, 0o077);
}

/**
 * Throws E_CONFIG_UNSAFE where somebody else than root could put another file in the place of this one, in whatever
 * folder above it, or has the bits of `forbidden` on it.
 */
export async function requireRoots(target: Target, path: string, forbidden: number): Promise<void> {
  const status = await target.stat(path);
  const isSafe = status !== undefined && status.uid === 0 && (status.mode & forbidden) === 0;
  const place = isSafe ? await foreignPlace(target, path, [0]) : path;
  if (place === undefined) return;
  const isRead = forbidden === 0o077 && place === path;
  throw failure(
    'E_CONFIG_UNSAFE',
    `${place} does not belong to root, or others may ${isRead ? 'read or ' : ''}write it`,
    `chown root ${place}; chmod ${isRead ? '600' : 'go-w'} ${place}`,
  );
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The message itself quotes the file, which may hold a secret.
    const place = /line \d+ column \d+|position \d+/.exec(error instanceof Error ? error.message : '')?.[0];
    const where = place === undefined ? '' : `: ${place}`;
    throw failure('E_CONFIG_INVALID', `${path} is not JSON${where}`, `correct ${path}`);
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
