import { CLEAN_ENVIRONMENT, type Job, type Scheduler } from './scheduler.ts';

const CRON_D = '/etc/cron.d/mptfix-watch';
const CRONTAB = '/etc/crontab';
const BEGIN = '# mptfix watch: begin';
const END = '# mptfix watch: end';

/** Debian's, Red Hat's and SUSE's cron read this folder. */
export const cronScheduler: Scheduler = {
  name: 'cron.d',
  isPresent: async (target) => (await target.stat('/etc/cron.d')) !== undefined,
  entries: (job) => [{ path: CRON_D, content: block(job) }],
  cleared: () => undefined,
  paths: [CRON_D],
  ...{ start: [], stop: [], after: [] },
};

/** A cron without that folder: a marked part of the system's table. */
export const crontabScheduler: Scheduler = {
  name: 'crontab',
  isPresent: async (target) => (await target.stat(CRONTAB)) !== undefined,
  entries: (job, before) => [{ path: CRONTAB, content: withoutBlock(before(CRONTAB)) + block(job) }],
  cleared: (_, content) => withoutBlock(content),
  paths: [CRONTAB],
  ...{ start: [], stop: [], after: [] },
};

/** In the system's tables the sixth field is the user. What it prints (an alarm) cron would mail, and it was reported already. */
function block({ command, load, environment, everyMinutes }: Job): string {
  return [
    BEGIN,
    ...(load === undefined ? [] : [`@reboot root ${line(load, {})}`]),
    `${when(everyMinutes)} root ${line(command, environment)} >/dev/null 2>&1`,
    END,
    '',
  ].join('\n');
}

function line(command: readonly string[], environment: Job['environment']): string {
  const settings = Object.entries({ ...CLEAN_ENVIRONMENT, ...environment });
  return [...settings.map(([name, value]) => `${name}=${word(value)}`), ...command.map(word)].join(' ');
}

function when(minutes: number): string {
  if (minutes === 1) return '* * * * *';
  if (minutes < 60) return `*/${minutes} * * * *`;
  return `0 ${minutes === 60 ? '*' : `*/${minutes / 60}`} * * *`;
}

/** Quoted for sh; cron itself makes a line's end of a percent sign. */
function word(text: string): string {
  const safe = /^[\w@+=:,./-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  return safe.replaceAll('%', '\\%');
}

function withoutBlock(content: string): string {
  const [start, end] = [content.indexOf(`${BEGIN}\n`), content.indexOf(`${END}\n`)];
  return start < 0 || end < start ? content : content.slice(0, start) + content.slice(end + END.length + 1);
}
