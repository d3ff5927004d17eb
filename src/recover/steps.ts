import { isReadOnly, type Observation } from '../filesystems/observation.ts';
import { remountCommand } from '../filesystems/remount.ts';
import type { RepairState } from '../filesystems/states.ts';
import type { InitSystem } from '../guest/init-system.ts';
import { typed } from '../typed.ts';
import type { Step } from './document.ts';
import { type BootCheck, bootCheckOf, repairOf } from './repair.ts';

/** All that the order of the steps depends on. */
export interface Case {
  readonly seen: Observation;
  readonly state: RepairState;
  /** Why it must not be mounted read-write again; empty where it may. */
  readonly remountRefused: readonly string[];
  readonly init: InitSystem;
}

/** The ordered steps; none where nothing is wrong. Pure. */
export function stepsFor(question: Case): readonly Step[] {
  return ORDER[question.state].flatMap((part) => part(question));
}

type Part = (question: Case) => readonly Step[];

const askStorage: Part = ({ seen: { devicePath } }) => [
  {
    title: 'make sure that the storage answers again',
    why: 'every later step writes to it, and fails and does harm while paths still fail over; ask twice, because the first answer may be the error of an earlier write',
    commands:
      devicePath === undefined
        ? []
        : [['dd', `if=${devicePath}`, 'of=/dev/null', 'bs=4096', 'count=1', 'iflag=direct']],
    action: 'ask-storage',
  },
];

const saveLog: Part = () => [
  {
    title: 'save the kernel log to a place that can be written',
    why: 'it shows the cause, the log files could not be written, and a reboot loses it',
    commands: [['dmesg']],
    action: 'save-kernel-log',
  },
];

const look: Part = ({ seen: { devicePath, mount } }) => {
  const command = devicePath === undefined ? null : (repairOf(mount.fsType).look?.(devicePath) ?? null);
  if (command === null) return [];
  return [
    {
      title: 'check it without changing it',
      why: 'shows how bad it is; while it is mounted, some of what is found is only not written yet',
      commands: [command],
      action: 'look',
    },
  ];
};

const stopWriters: Part = ({ seen: { mount } }) => [
  {
    title: 'stop the programs that use it',
    why: 'what they think they have written is not on the disk; they have to open their files again',
    commands: [['fuser', '-v', '-m', mount.mountPoint]],
  },
];

const repair: Part = (question) => (isRoot(question) ? repairRoot(question) : repairOther(question));

const repairOther: Part = ({ seen: { mount, devicePath, fileSystem } }) => {
  const device = devicePath ?? mount.source;
  const { commands, note } = repairOf(mount.fsType);
  return [
    {
      title: 'unmount it',
      why: 'a remount does not bring an aborted file system back, and a mounted one must not be repaired',
      commands: [['umount', mount.mountPoint]],
    },
    { title: 'check and repair it', why: note, commands: commands(device, mount.mountPoint) },
    {
      title: 'mount it again',
      why: 'only after the check has left no error',
      // mount(8) finds in fstab only what is there.
      commands: [
        fileSystem.fstab === null ? ['mount', device, mount.mountPoint] : ['mount', mount.mountPoint],
      ],
    },
  ];
};

const repairRoot: Part = ({ seen, init, state }) => {
  const { mount, fileSystem } = seen;
  const check = bootCheckOf(init);
  const steps: Step[] = [];
  if (!repairOf(mount.fsType).atBoot) {
    const { note, commands } = repairOf(mount.fsType);
    return [
      {
        title: 'reboot: mounting it again replays its log',
        why: `the boot does not check ${mount.fsType}; ${check.note}`,
        commands: [check.reboot],
      },
      {
        title: 'if it does not come up, boot a rescue medium and check the root there',
        why: note,
        commands: commands(seen.devicePath ?? mount.source, '/mnt'),
      },
    ];
  }
  if (fileSystem.fstab?.pass === 0) {
    steps.push({
      title: `note the last field of /etc/fstab, line ${fileSystem.fstab.line}: it is 0`,
      why: 'with 0 the boot never checks this file system, whatever the boot loader asks for; then only e2fsck by hand helps, from a rescue medium',
      commands: [],
    });
  }
  steps.push(bootStep(check, state === 'flagged' && !isReadOnly(seen)));
  return steps;
};

function bootStep(check: BootCheck, writable: boolean): Step {
  const skips = check.skips.length === 0 ? '' : `; make sure that none of ${check.skips.join(', ')} is there`;
  if (check.kernelArgument !== null) {
    return {
      title: `reboot, and in the boot loader add ${check.kernelArgument} to the kernel’s command line, once${skips}`,
      why:
        check.flagFile === null || writable
          ? check.note
          : `${check.flagFile} cannot be created on a read-only root; ${check.note}`,
      commands: [check.reboot],
    };
  }
  const canFlag = check.flagFile !== null && writable;
  return {
    title: canFlag ? `create ${check.flagFile} and reboot${skips}` : `reboot${skips}`,
    why: check.note,
    commands: canFlag ? [['touch', check.flagFile ?? ''], check.reboot] : [check.reboot],
  };
}

const remount: Part = ({ seen, remountRefused }) => {
  const { mount, devicePath } = seen;
  if (remountRefused.length > 0) return [];
  return [
    {
      title: 'mount it read-write again',
      why: 'nothing was aborted, the superblock has no error flag, and no error is counted',
      commands: [remountCommand(mount, devicePath ?? mount.source, ['rw'])],
      action: 'remount',
    },
    {
      title: 'check that it can be written to',
      why: 'the mount table alone proves nothing',
      commands: [],
      action: 'probe',
    },
  ];
};

const services: Part = () => [
  {
    title: 'restart the services that died with it',
    why: 'those that were found are listed below; lock files in /var/lock may be stale',
    commands: [],
  },
];

const cannotTell: Part = ({ seen: { storage, mount } }) => [
  {
    title:
      storage?.answer === 'denied'
        ? `run ${typed('recover')} as root`
        : `check it with the tools of ${mount.fsType}`,
    why: 'the superblock, which shows whether a remount is safe, could not be read',
    commands: [],
  },
];

const waitForStorage: Part = () => [
  {
    title: 'restore the storage first: paths, zoning, the array, the datastore',
    why: 'nothing on the guest helps while its disk does not answer; do not reboot: unwritten data would be lost',
    commands: [],
  },
];

const REPAIRED: readonly Part[] = [askStorage, saveLog, look, stopWriters, repair, services];

const ORDER: Readonly<Record<RepairState, readonly Part[]>> = {
  'storage-away': [saveLog, waitForStorage, askStorage],
  aborted: REPAIRED,
  shutdown: REPAIRED,
  flagged: REPAIRED,
  unknown: [askStorage, saveLog, cannotTell],
  'remounted-ro': [askStorage, saveLog, look, remount, services],
  'intended-ro': [],
  writable: [],
};

function isRoot({ seen }: Case): boolean {
  return seen.mount.mountPoint === '/';
}
