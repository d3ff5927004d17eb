import type { Entries } from '../machine/temporary.ts';
import { partitions } from './guest.ts';

/** A message of the kernel's log; the text alone where the kernel wrote it. */
export type Message =
  | string
  | { readonly text: string /** syslog(2): facility × 8 + level. */; readonly priority: number };

/** A guest as its files show it, and what both watches, the one in Node and the one in sh, have to say of it. */
export interface Case {
  readonly name: string;
  readonly files: Entries;
  /** The kernel's messages. */
  readonly log?: readonly Message[];
  /** Mount points that cannot be written, as the mount table escapes them. */
  readonly alarms?: readonly string[];
  readonly warnings?: readonly string[];
}

const SDA = { 'proc/partitions': partitions('8:0 sda', '8:1 sda1', '8:2 sda2', '253:0 dm-0') };
const BOOT = 1_700_000_000;
const STAT = { 'proc/stat': `cpu 1 2 3\nbtime ${BOOT}\n` };
const RW = '27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n';
const FSTAB = { 'etc/fstab': '/dev/sda1 / ext4 errors=remount-ro 0 1\n' };

function counters(disk: string, errors: number, last: number, policy: string): Entries {
  return {
    [`sys/fs/ext4/${disk}/errors_count`]: `${errors}\n`,
    [`sys/fs/ext4/${disk}/last_error_time`]: `${last}\n`,
    [`sys/fs/ext4/${disk}/last_error_func`]: 'ext4_journal_check_start\n',
    [`proc/fs/ext4/${disk}/options`]: `rw\ndelalloc\nerrors=${policy}\n`,
  };
}

const kernel = (release: string): Entries => ({ 'proc/sys/kernel/osrelease': `${release}\n` });

/** Written by a 6.1.192 whose disk failed: the mount table above stayed `rw`. */
const LOG_6_1 = [
  'EXT4-fs (sda1): mounted filesystem 0f5c with ordered data mode. Quota mode: none.',
  'I/O error, dev sda, sector 266352 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 2',
  'Aborting journal on device sda1-8.',
  'EXT4-fs error (device sda1): ext4_journal_check_start:83: comm dd: Detected aborted journal',
  'EXT4-fs (sda1): Remounting filesystem read-only',
];

export const CASES: readonly Case[] = [
  {
    name: 'RHEL 4: /proc/mounts alone, and the root under the name /dev/root',
    files: {
      ...SDA,
      'proc/mounts':
        'rootfs / rootfs rw 0 0\n/dev/root / ext3 ro 0 0\nnone /proc proc rw 0 0\n/dev/sda2 /var ext3 rw 0 0\n',
      'etc/fstab':
        'LABEL=/ / ext3 defaults 1 1\nLABEL=/var /var ext3 defaults 1 2\nnone /proc proc defaults 0 0\n',
    },
    alarms: ['/'],
  },
  {
    name: 'RHEL 5: what its kernel says when an ext3 aborts',
    files: {
      ...SDA,
      'proc/mounts': '/dev/sda1 / ext3 rw 0 0\n',
      'etc/fstab': '/dev/sda1 / ext3 defaults 1 1\n',
    },
    log: [
      'EXT3 FS on sda1, internal journal',
      'sd 0:0:0:0: SCSI error: return code = 0x00020008',
      'end_request: I/O error, dev sda, sector 1138',
      'Aborting journal on device sda1.',
      'ext3_abort called.',
    ],
    alarms: ['/'],
  },
  {
    name: '2.6.18: ro, and fstab wants it so',
    files: {
      'proc/mounts': '/dev/sda1 / ext3 rw 0 0\n/dev/sdb1 /m ext3 ro 0 0\n',
      'etc/fstab': '/dev/sdb1 /m ext3 defaults,ro 0 0\n',
    },
  },
  {
    name: '2.6.18: ro, and nobody says what was wanted',
    files: { 'proc/mounts': '/dev/sda1 / ext3 rw 0 0\n/dev/sdb1 /m ext3 ro 0 0\n' },
  },
  {
    name: 'in fstab ro and then rw: the last one counts',
    files: { 'proc/mounts': '/dev/sdb1 /m ext3 ro 0 0\n', 'etc/fstab': '/dev/sdb1 /m ext3 ro,rw 0 0\n' },
    alarms: ['/m'],
  },
  {
    name: '3.10: the superblock ro, the mount rw',
    files: { ...SDA, 'proc/1/mountinfo': '30 1 8:1 / /data rw,relatime - ext4 /dev/sda1 ro,data=ordered\n' },
    alarms: ['/data'],
  },
  {
    name: '3.10: the kernel made it read-only, which fstab’s ro does not excuse',
    files: {
      ...SDA,
      'etc/fstab': '/dev/sda1 /data ext4 ro 0 2\n',
      'proc/1/mountinfo': '30 1 8:1 / /data rw,relatime - ext4 /dev/sda1 ro,data=ordered\n',
    },
    alarms: ['/data'],
  },
  {
    name: '6.1: the table says rw, counter and log say that it gave up',
    files: {
      ...SDA,
      ...STAT,
      ...FSTAB,
      ...kernel('6.1.0-28-amd64'),
      'proc/1/mountinfo': RW,
      ...counters('sda1', 2, BOOT + 900, 'remount-ro'),
    },
    log: LOG_6_1,
    alarms: ['/'],
  },
  {
    name: '6.1: the log has gone over it since, the counter is left',
    files: {
      ...SDA,
      ...STAT,
      ...FSTAB,
      ...kernel('6.1.0-28-amd64'),
      'proc/1/mountinfo': RW,
      ...counters('sda1', 2, BOOT + 900, 'remount-ro'),
    },
    alarms: ['/'],
  },
  {
    name: '6.1: the counter cannot be read, the log is left',
    files: { ...SDA, ...STAT, ...FSTAB, ...kernel('6.1.0-28-amd64'), 'proc/1/mountinfo': RW },
    log: LOG_6_1,
    alarms: ['/'],
  },
  {
    name: '6.1: checked, and mounted again since',
    files: {
      ...SDA,
      ...STAT,
      ...FSTAB,
      ...kernel('6.1.0-28-amd64'),
      'proc/1/mountinfo': RW,
      ...counters('sda1', 0, 0, 'remount-ro'),
    },
    log: [...LOG_6_1, 'EXT4-fs (sda1): mounted filesystem 0f5c with ordered data mode. Quota mode: none.'],
  },
  {
    name: '6.1: mounted again to be read only is no recovery',
    files: { ...SDA, ...STAT, ...FSTAB, ...kernel('6.1.0-28-amd64'), 'proc/1/mountinfo': RW },
    log: [...LOG_6_1, 'EXT4-fs (sda1): re-mounted 0f5c ro. Quota mode: none.'],
    alarms: ['/'],
  },
  {
    name: 'before 6.1: a remount does not bring back what was given up, whatever it says',
    files: { ...SDA, ...STAT, ...FSTAB, ...kernel('5.10.0-8-amd64'), 'proc/1/mountinfo': RW },
    log: [...LOG_6_1, 'EXT4-fs (sda1): re-mounted. Opts: (null)'],
    alarms: ['/'],
  },
  {
    name: '6.1: checked, mounted to be read only, and made writable then',
    files: { ...SDA, ...STAT, ...FSTAB, ...kernel('6.1.0-28-amd64'), 'proc/1/mountinfo': RW },
    log: [
      ...LOG_6_1,
      'EXT4-fs (sda1): mounted filesystem 0f5c ro with ordered data mode. Quota mode: none.',
      'EXT4-fs (sda1): re-mounted 0f5c r/w. Quota mode: none.',
    ],
  },
  {
    name: '6.18: emergency_ro beside rw',
    files: { ...SDA, ...FSTAB, 'proc/1/mountinfo': '27 1 8:1 / / rw - ext4 /dev/sda1 rw,emergency_ro\n' },
    alarms: ['/'],
  },
  {
    name: '6.18: shutdown beside rw, also where fstab has ro',
    files: {
      ...SDA,
      'etc/fstab': '/dev/sda1 / ext4 ro 0 1\n',
      'proc/1/mountinfo': '27 1 8:1 / / rw - ext4 /dev/sda1 rw,shutdown\n',
    },
    alarms: ['/'],
  },
  {
    name: 'errors=continue: new errors are a warning',
    files: {
      ...SDA,
      ...STAT,
      'proc/1/mountinfo': RW.replace('remount-ro', 'continue'),
      ...counters('sda1', 3, BOOT + 900, 'continue'),
    },
    warnings: ['/'],
  },
  {
    name: 'errors from before this boot are no news',
    files: { ...SDA, ...STAT, 'proc/1/mountinfo': RW, ...counters('sda1', 3, BOOT - 86_400, 'remount-ro') },
  },
  {
    name: 'a device-mapper name, and jbd2 that adds the inode',
    files: { ...SDA, 'proc/1/mountinfo': '27 1 253:0 / / rw - ext4 /dev/mapper/vg-root rw\n' },
    log: ['Aborting journal on device dm-0-8.'],
    alarms: ['/'],
  },
  {
    name: 'XFS that shut down shows in the log alone',
    files: {
      ...SDA,
      'proc/1/mountinfo':
        '27 1 8:1 / /data rw - xfs /dev/sda1 rw,attr2\n28 1 8:2 / /old rw - xfs /dev/sda2 rw\n',
    },
    log: [
      'XFS (sda1): Mounting V5 Filesystem 0f',
      'XFS (sda1): metadata I/O error in "xlog_iodone" at daddr 0x64 len 64 error 5',
      'XFS (sda1): Log I/O Error Detected.  Shutting down filesystem',
      'Filesystem "sda2": I/O Error Detected.  Shutting down filesystem: sda2',
    ],
    alarms: ['/data', '/old'],
  },
  {
    name: 'XFS that was mounted again',
    files: { ...SDA, 'proc/1/mountinfo': '27 1 8:1 / /data rw - xfs /dev/sda1 rw\n' },
    log: [
      'XFS (sda1): Log I/O Error Detected.  Shutting down filesystem',
      'XFS (sda1): Mounting V5 Filesystem 0f',
      'XFS (sda1): Ending clean mount',
    ],
  },
  {
    name: 'btrfs',
    files: { ...SDA, 'proc/1/mountinfo': '27 1 0:40 /@ / rw - btrfs /dev/sda1 rw,subvol=/@\n' },
    log: ['BTRFS info (device sda1: state EA): forced readonly'],
    alarms: ['/'],
  },
  {
    name: 'another disk’s trouble is its own',
    files: { ...SDA, 'proc/1/mountinfo': RW },
    log: ['EXT4-fs (sda11): Remounting filesystem read-only', 'Aborting journal on device sdb1-8.'],
  },
  {
    name: 'read-only by intent: bind, media, overlay, snap, container',
    files: {
      ...SDA,
      'proc/1/mountinfo': [
        '27 1 8:1 / / rw - ext4 /dev/sda1 rw',
        '30 27 8:1 /srv /jail ro - ext4 /dev/sda1 rw',
        '31 27 11:0 / /media/cd ro - iso9660 /dev/sr0 ro',
        '32 27 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro',
        '33 27 7:1 / /var/lib/snapd/snap/x/2 ro - ext4 /dev/loop1 ro',
        '34 27 0:50 / /merged ro - overlay overlay ro,lowerdir=/a:/b',
        '35 27 7:3 / /img rw - erofs /dev/loop3 ro',
        '36 27 0:60 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755',
        '37 27 8:2 /var/lib/docker/x /etc/hosts ro - ext4 /dev/sda2 rw',
      ].join('\n'),
    },
  },
  {
    name: 'names with blanks, line breaks and escapes',
    files: {
      ...SDA,
      'proc/1/mountinfo':
        '27 1 8:1 / / rw - ext4 /dev/sda1 rw\n28 27 8:2 / /mnt/a\\040b\\012Bcc:\\040evil@example.org\\012 rw - ext4 /dev/sda2 ro\n',
    },
    alarms: ['/mnt/a\\040b\\012Bcc:\\040evil@example.org\\012'],
  },
  ...forged(),
];

/** What any user can have the kernel print, or print beside it: no alarm comes of it, and none goes. */
function forged(): readonly Case[] {
  const system = { ...SDA, ...STAT, ...FSTAB, ...kernel('6.1.0-28-amd64'), 'proc/1/mountinfo': RW };
  const xfs = { ...system, 'proc/1/mountinfo': '27 1 8:1 / /data rw - xfs /dev/sda1 rw\n' };
  const aborted = { ...system, ...counters('sda1', 2, BOOT + 900, 'remount-ro') };
  const claims = [
    'EXT4-fs (sda1): Remounting filesystem read-only',
    'Aborting journal on device sda1-8.',
    'EXT4-fs error (device sda1): ext4_journal_check_start:83: comm dd: Detected aborted journal',
    'EXT3-fs abort (device sda1): ext3_journal_start: Detected aborted journal',
    'XFS (sda1): Log I/O Error Detected.  Shutting down filesystem',
    'xfs_force_shutdown(sda1,0x2) called from line 956 of file fs/xfs/xfs_log.c.',
    'Filesystem "sda1": I/O Error Detected.  Shutting down filesystem: sda1',
    'BTRFS info (device sda1): forced readonly',
    'REISERFS: abort (device sda1): Journal write error in flush_commit_list',
    'ERROR: (device sda1): remounting filesystem as read-only',
    'end_request: I/O error, dev sda, sector 1 Aborting journal on device sda1.',
  ];
  const allClears = [
    'EXT4-fs (sda1): mounted filesystem 0f5c with ordered data mode. Quota mode: none.',
    'EXT4-fs (sda1): re-mounted 0f5c r/w. Quota mode: none.',
    'EXT3 FS on sda1, internal journal',
    'XFS (sda1): Ending clean mount',
    'XFS (sda1): Mounting V5 Filesystem 0f',
    'XFS mounting filesystem sda1',
    'BTRFS info (device sda1): first mount of filesystem 0f5c',
  ];
  /** By mount(8), on one line and with line breaks, and by the name of a USB device; by writing to /dev/kmsg. */
  const ways: readonly (readonly [string, (text: string) => readonly Message[]])[] = [
    [
      'the kernel, in words that a user chose',
      (text) => [
        `tmpfs: Unknown parameter '${text}'`,
        `tmpfs: Unknown parameter 'a\n${text}\nb'`,
        `usb 1-1: Product: ${text}`,
      ],
    ],
    [
      'a program',
      (text) => [
        { text, priority: 12 },
        { text: `logger: ${text}`, priority: 13 },
      ],
    ],
  ];
  return [
    ...ways.flatMap(([by, print]) => [
      { name: `forged by ${by}: an abort of ext4`, files: system, log: claims.flatMap(print) },
      { name: `forged by ${by}: an abort of XFS`, files: xfs, log: claims.flatMap(print) },
      {
        name: `forged by ${by}: a mount after an abort in the log`,
        files: system,
        log: [...LOG_6_1, ...allClears.flatMap(print)],
        alarms: ['/'],
      },
      {
        name: `forged by ${by}: a mount after an abort of XFS`,
        files: xfs,
        log: ['XFS (sda1): Log I/O Error Detected.  Shutting down filesystem', ...allClears.flatMap(print)],
        alarms: ['/data'],
      },
      {
        name: `forged by ${by}: a mount after an abort that the counter alone shows`,
        files: aborted,
        log: allClears.flatMap(print),
        alarms: ['/'],
      },
    ]),
    {
      name: 'forged by a program’s name, of 15 characters, and the name of its file',
      files: xfs,
      log: [
        'XFS (sda1): [4242]: segfault at 0 ip 00005581 sp 00007ffd error 4 in Shutting down filesystem[5581+1000]',
        'XFS (sda1): A[4242]: segfault at 0 ip 00005581 sp 00007ffd error 4 in a.  Shutting down filesystem[5581+1000]',
        'XFS (sda1): : Filesystem has been shut down[4242]: segfault at 0',
        'Filesystem "sda[4242]: segfault at 0 ip 0 sp 0 error 4 in sda1": I/O Error Detected.  Shutting down filesystem: sda1[1+1]',
        'ERROR: (device [4242]: segfault at 0 ip 0 sp 0 error 4 in sda1): remounting filesystem as read-only[1+1]',
        'XFS invoked oom-killer: XFS (sda1): User initiated shutdown received.',
      ],
    },
    {
      name: 'forged by a program’s name: a mount',
      files: xfs,
      log: [
        'XFS (sda1): Log I/O Error Detected.  Shutting down filesystem',
        'XFS (sda1): Endi[4242]: segfault at 0 ip 00005581 sp 00007ffd error 4 in Ending clean mount[5581+1000]',
        'EXT4-fs (sda1):[4242]: segfault at 0 ip 00005581 sp 00007ffd error 4 in mounted filesystem[5581+1000]',
      ],
      alarms: ['/data'],
    },
    {
      name: 'an abort that ext4 would have counted, and has not',
      files: { ...system, ...counters('sda1', 0, 0, 'remount-ro') },
      log: claims.slice(2, 4),
    },
    {
      name: 'a mount before the error that the counter shows ends nothing',
      files: aborted,
      log: ['EXT4-fs (sda1): mounted filesystem 0f5c with ordered data mode. Quota mode: none.'],
      alarms: ['/'],
    },
  ];
}

const priorityOf = (message: Message): number => (typeof message === 'string' ? 6 : message.priority);
const textOf = (message: Message): string => (typeof message === 'string' ? message : message.text);

/** The messages as records of /dev/kmsg, one a second. */
export function kmsg(messages: readonly Message[]): string {
  return messages
    .map((one, index) => {
      const text = textOf(one).replaceAll('\\', '\\x5c').replaceAll('\n', '\\x0a');
      return `${priorityOf(one)},${index + 1},${(index + 1) * 1_000_000},-;${text}\n`;
    })
    .join('');
}

/** The messages as syslog(2) gives them, which busybox's dmesg prints with -r. */
export function dmesg(messages: readonly Message[]): string {
  return messages
    .flatMap((one, index) =>
      textOf(one)
        .split('\n')
        .map((line) => `<${priorityOf(one)}>[${String(index + 1).padStart(5)}.000000] ${line}\n`),
    )
    .join('');
}
