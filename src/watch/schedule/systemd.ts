import { traitsOf } from '../../machine/kinds.ts';
import { CLEAN_ENVIRONMENT, type Job, type ScheduleEntry, type Scheduler } from './scheduler.ts';

const FOLDER = '/etc/systemd/system';
const PATHS = {
  service: `${FOLDER}/mptfix-watch.service`,
  timer: `${FOLDER}/mptfix-watch.timer`,
  memory: `${FOLDER}/mptfix-watch-memory.service`,
  timerLink: `${FOLDER}/timers.target.wants/mptfix-watch.timer`,
  memoryLink: `${FOLDER}/multi-user.target.wants/mptfix-watch-memory.service`,
} as const;

/**
 * What the watch needs not: but it has to see every mount and the kernel's messages, run sendmail (which may be
 * setgid), and start while no disk can be written, so no private /tmp and no read-only view of the disks.
 */
const HARDENING = [
  'ProtectKernelModules=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'RestrictRealtime=yes',
  'LockPersonality=yes',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  'MemoryMax=512M',
];

export const systemdScheduler: Scheduler = {
  name: 'systemd',
  // sd_booted(3); a tree does not run, so what is installed decides.
  isPresent: async (target) => {
    const places = traitsOf(target).isRunning
      ? ['/run/systemd/system']
      : ['/lib/systemd/systemd', '/usr/lib/systemd/systemd'];
    return (await Promise.all(places.map((path) => target.stat(path)))).some((found) => found !== undefined);
  },
  entries: (job) => [
    { path: PATHS.service, content: serviceUnit(job) },
    { path: PATHS.timer, content: timerUnit(job) },
    { path: PATHS.timerLink, link: '../mptfix-watch.timer' },
    ...memory(job),
  ],
  cleared: () => undefined,
  paths: Object.values(PATHS),
  start: [
    ['systemctl', 'daemon-reload'],
    ['systemctl', 'start', 'mptfix-watch.timer'],
  ],
  stop: [['systemctl', 'stop', 'mptfix-watch.timer', 'mptfix-watch.service', 'mptfix-watch-memory.service']],
  after: [['systemctl', 'daemon-reload']],
};

function memory(job: Job): readonly ScheduleEntry[] {
  if (job.load === undefined) return [];
  return [
    { path: PATHS.memory, content: memoryUnit(job.load) },
    { path: PATHS.memoryLink, link: '../mptfix-watch-memory.service' },
  ];
}

function serviceUnit({ command, environment, load }: Job): string {
  return unit({
    Unit: [
      'Description=mptfix watch: check for file systems that went read-only',
      ...(load === undefined
        ? []
        : ['Requires=mptfix-watch-memory.service', 'After=mptfix-watch-memory.service']),
    ],
    Service: [
      'Type=oneshot',
      `ExecStart=${command.map(word).join(' ')}`,
      ...environmentLines(environment),
      // 10: an alarm, reported already; the unit itself did not fail.
      'SuccessExitStatus=10',
      'WorkingDirectory=/',
      'TimeoutStartSec=300',
      ...HARDENING,
    ],
  });
}

function environmentLines(environment: Job['environment']): readonly string[] {
  return Object.entries({ ...CLEAN_ENVIRONMENT, ...environment }).map(
    ([name, value]) => `Environment=${word(`${name}=${value}`)}`,
  );
}

function timerUnit({ everyMinutes }: Job): string {
  return unit({
    Unit: ['Description=mptfix watch, regularly'],
    Timer: ['OnBootSec=1min', `OnUnitActiveSec=${everyMinutes}min`, 'AccuracySec=1s'],
    Install: ['WantedBy=timers.target'],
  });
}

function memoryUnit(load: readonly string[]): string {
  return unit({
    Unit: ['Description=mptfix watch: copy of the program in memory, so that it runs without a disk'],
    Service: [
      'Type=oneshot',
      'RemainAfterExit=yes',
      `ExecStart=${load.map(word).join(' ')}`,
      ...environmentLines({}),
    ],
    Install: ['WantedBy=multi-user.target'],
  });
}

function unit(sections: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(sections)
    .map(([name, lines]) => [`[${name}]`, ...lines, ''].join('\n'))
    .join('\n');
}

/** A word as systemd.syntax(7) and systemd.service(5) quote it. */
function word(text: string): string {
  const escaped = text.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}
