import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Target } from '../../src/machine/port.ts';
import { documents, type LabDocument, labLine } from '../machine/console.ts';
import { DISK_MODULES, makeInitramfs } from '../machine/initramfs.ts';
import { ADAPTER, cdRom, runMachine, scsiDisk } from '../machine/virtual-machine.ts';
import { makeImages } from './images.ts';

const MODULES = [
  ...DISK_MODULES,
  ...['sr_mod', 'loop', 'dm-mod', 'dm-flakey'],
  ...['isofs', 'squashfs', 'erofs', 'romfs', 'udf', 'overlay'],
  ...['ext4', 'xfs', 'btrfs'],
];

/** What a user has who is no administrator, and a dd that reads /dev/kmsg. */
const USER_PROGRAMS = ['setpriv', 'unshare', 'mount', 'dd'].map((name) => `/usr/bin/${name}`);

/** What the guest reported, by the moment or the type of file system. */
export interface MediaSeen {
  readonly kernel: string;
  /** What was read from the media, and how often. */
  readonly read: string;
  /** How many messages a user of the guest had printed. */
  readonly forged: string;
  /** The documents of mptfix's commands, with `--json`. */
  readonly documents: Readonly<Record<string, LabDocument>>;
  /** The watch in sh: its exit status, and the places that it names. */
  readonly shell: Readonly<Record<string, { readonly status: number; readonly places: readonly string[] }>>;
  /** Lines of /proc/mounts after the failure. */
  readonly mounted: Readonly<Record<string, string>>;
  /** What must not happen at all. */
  readonly failed: readonly string[];
  readonly ended: boolean;
}

/**
 * Boots the kernel of a guest's tree with read-only media and disks that fail one after the other, and returns what the
 * watches, `diagnose`, `recover` and `harden` printed there. Takes about a minute; creates `folder`.
 */
export async function runMedia(
  machine: Target,
  folder: string,
  guest: { readonly guest: string; readonly release: string },
  limits: { readonly seconds: number; readonly signal: AbortSignal },
): Promise<MediaSeen> {
  await mkdir(folder);
  const images = await makeImages(machine, folder);
  const initramfs = await makeInitramfs(machine, folder, {
    ...guest,
    modules: MODULES,
    script: join(import.meta.dirname, 'guest.sh'),
    copies: Object.fromEntries(
      Object.entries(images.readOnly).map(([name, image]) => [`images/${name}`, image]),
    ),
    programs: ['/sbin/dmsetup', '/sbin/e2fsck', ...USER_PROGRAMS],
  });
  let seen: Omit<MediaSeen, 'documents'> = {
    kernel: '',
    read: '',
    forged: '',
    shell: {},
    mounted: {},
    failed: [],
    ended: false,
  };
  const vm = {
    kernel: join(guest.guest, 'boot', `vmlinuz-${guest.release}`),
    initramfs,
    devices: [
      ...ADAPTER,
      ...Object.values(images.disks).flatMap((image, port) => scsiDisk(port, image)),
      ...cdRom(7, images.iso9660),
    ],
    consoleLog: join(folder, 'console.log'),
  };
  const answers = documents();
  const onLine = (line: string): void => {
    if (!answers.line(line)) seen = { ...seen, ...seenIn(line, seen) };
  };
  await runMachine(vm, onLine, limits);
  return { ...seen, documents: answers.result() };
}

function seenIn(line: string, seen: Omit<MediaSeen, 'documents'>): Partial<MediaSeen> {
  const { key, words = '' } = labLine(line) ?? {};
  const [name = '', status = '', ...rest] = words.split(' ');
  switch (key) {
    case undefined:
      return {};
    case 'kernel':
    case 'read':
    case 'forged':
      return { [key]: words };
    case 'shell':
      return { shell: { ...seen.shell, [name]: { status: Number(status), places: rest } } };
    case 'mounted':
      return { mounted: { ...seen.mounted, [name]: words.slice(name.length + 1) } };
    case 'end':
      return { ended: true };
    default:
      return { failed: [...seen.failed, line.trim()] };
  }
}
