import { typed } from '../typed.ts';
import type { DiskFacts, PolicyFacts, Survey } from './document.ts';

/** What VMware Tools sets, and storage vendors ask for. */
const GOOD_TIMEOUT = 180;

/** One sentence each: what should be different, and why. Pure. */
export function adviceOn({ fileSystems, disks, rules }: Survey): readonly string[] {
  return [
    ...fileSystems.flatMap((one) => POLICY_RULES.flatMap(({ holds, say }) => (holds(one) ? [say(one)] : []))),
    ...disks.flatMap((disk) =>
      DISK_RULES.flatMap(({ holds, say }) => (holds(disk, rules) ? [say(disk)] : [])),
    ),
  ];
}

interface Rule<T, More extends readonly unknown[] = []> {
  readonly holds: (subject: T, ...more: More) => boolean;
  readonly say: (subject: T) => string;
}

const held = ({ effective, fstabOption, superblock }: PolicyFacts): string | null =>
  effective ?? fstabOption ?? superblock;

const POLICY_RULES: readonly Rule<PolicyFacts>[] = [
  {
    holds: (one) => held(one) === 'continue',
    say: ({ mountPoint }) =>
      `${mountPoint}: errors=continue keeps writing over damage, and nothing shows it; errors=remount-ro stops that`,
  },
  {
    holds: (one) => held(one) === 'panic',
    say: ({ mountPoint }) =>
      `${mountPoint}: errors=panic restarts the guest, and loses the state that shows why; errors=remount-ro keeps it`,
  },
  {
    holds: ({ superblock, fstabOption }) =>
      superblock !== null && fstabOption !== null && superblock !== fstabOption,
    say: ({ mountPoint, superblock, fstabOption }) =>
      `${mountPoint}: fstab (errors=${fstabOption}) overrides the superblock (${superblock})`,
  },
  {
    holds: ({ type }) => /^(xfs|btrfs)$/.test(type),
    say: ({ mountPoint, type }) =>
      `${mountPoint}: ${type} has no errors= policy: it always shuts down, and the mount table may still show rw`,
  },
  {
    holds: ({ holdsLogs, type, state }) => holdsLogs && state !== null && type !== 'tmpfs',
    say: ({ mountPoint }) =>
      `${mountPoint}: /var/log is on it, so its own errors reach no log file; send the log to another machine, or use ${typed('watch install', ['--to', 'ADDRESS'])}`,
  },
  {
    holds: ({ state }) => state !== null && !['writable', 'intended-ro'].includes(state),
    say: ({ mountPoint, state }) => `${mountPoint}: it is ${state}: run ${typed('recover')} first`,
  },
];

const DISK_RULES: readonly Rule<DiskFacts, [Survey['rules']]>[] = [
  {
    holds: ({ bus, timeoutSeconds }) =>
      bus === 'scsi' && timeoutSeconds !== null && timeoutSeconds < GOOD_TIMEOUT,
    say: ({ name, timeoutSeconds }) =>
      `${name}: a timeout of ${timeoutSeconds} s is shorter than a path failover may take; VMware advises ${GOOD_TIMEOUT}`,
  },
  {
    holds: ({ bus, timeoutSeconds }, rules) =>
      bus === 'scsi' &&
      timeoutSeconds !== null &&
      rules.some(({ seconds }) => seconds !== undefined && seconds !== timeoutSeconds),
    say: ({ name, timeoutSeconds }) =>
      `${name}: a udev rule sets a timeout other than the one in force (${timeoutSeconds} s): the rule does not work for this disk`,
  },
  {
    holds: ({ survives }) => survives === 0,
    say: ({ name, driver }) =>
      `${name}: its driver (${driver}) gives up on BUSY at once, whatever the timeout is`,
  },
  {
    holds: ({ bus, timeoutSeconds }) => bus === 'nvme' && timeoutSeconds !== null && timeoutSeconds <= 30,
    say: ({ name }) =>
      `${name}: NVMe’s timeout is its default; on network storage raise nvme_core.io_timeout on the kernel’s command line (4294967295; 255 before Linux 4.15)`,
  },
];
