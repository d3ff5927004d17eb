import { basename } from 'node:path';
import { LIMITS } from '../limits.ts';
import { decodeOctal } from '../machine/mount-points.ts';
import type { TargetReads } from '../machine/port.ts';
import type { FstabEntry } from './document.ts';

export type { FstabEntry };

/** /etc/fstab; empty where there is none. A line with fewer than three fields is left out, as mount(8) does. */
export async function readFstab(target: Pick<TargetReads, 'readText'>): Promise<readonly FstabEntry[]> {
  return parseFstab((await target.readText('/etc/fstab', LIMITS.textBytes)) ?? '');
}

export function parseFstab(text: string): readonly FstabEntry[] {
  return text.split('\n').flatMap((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    const [source, mountPoint, fsType, options = 'defaults', dump = '0', pass = '0'] = line.split(/[ \t]+/);
    if (source === undefined || mountPoint === undefined || fsType === undefined) return [];
    return [
      {
        source: decodeOctal(source),
        mountPoint: withoutLastSlash(decodeOctal(mountPoint)),
        fsType,
        options: decodeOctal(options).split(','),
        dump: smallNumber(dump),
        pass: smallNumber(pass),
        line: index + 1,
      },
    ];
  });
}

/** Whether the entry asks for a read-only mount: of `ro` and `rw` the last one counts. */
export function asksReadOnly({ options }: FstabEntry): boolean {
  return options.findLast((option) => option === 'ro' || option === 'rw') === 'ro';
}

/** Whether the entry only shows a folder in a second place and mounts no file system. */
export function isBind({ options }: FstabEntry): boolean {
  return options.includes('bind') || options.includes('rbind');
}

/** Where udev keeps a link for each kind of name (udev's 60-persistent-storage.rules). */
const TAG_FOLDERS: Readonly<Record<string, string>> = {
  UUID: '/dev/disk/by-uuid',
  LABEL: '/dev/disk/by-label',
  PARTUUID: '/dev/disk/by-partuuid',
  PARTLABEL: '/dev/disk/by-partlabel',
  ID: '/dev/disk/by-id',
};

/**
 * The kernel's name of the block device that a source names (`sda1`, `dm-0`), through udev's links. Undefined where
 * there is no such link: kernels and distros before udev have none, and there a LABEL= stays unresolved. A plain
 * `/dev/NAME` need not exist; a node that is no link (`/dev/mapper/vg-root` of 2006) gives undefined.
 */
export async function kernelNameOf(
  target: Pick<TargetReads, 'hostPath' | 'lstat'>,
  source: string,
): Promise<string | undefined> {
  const path = devicePath(source);
  if (path === undefined) return undefined;
  const plain = /^\/dev\/([^/]+)$/.exec(path)?.[1];
  try {
    if ((await target.lstat(path))?.type !== 'link') return plain;
    return basename(await target.hostPath(path));
  } catch {
    return plain;
  }
}

function devicePath(source: string): string | undefined {
  if (source.startsWith('/dev/')) return source;
  const [, tag = '', quoted = ''] = /^([A-Z]+)=(.*)$/s.exec(source) ?? [];
  const folder = TAG_FOLDERS[tag];
  if (folder === undefined) return undefined;
  const value = quoted.replace(/^(["'])(.*)\1$/s, '$2');
  return `${folder}/${encodeUdev(value)}`;
}

/** As udev writes characters that a file's name may not have: `\x20` (its `encode_devnode_name`). */
function encodeUdev(name: string): string {
  return name.replace(
    /[^\w#+\-.:=@\u0080-\uffff]/g,
    (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function withoutLastSlash(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === '/') end -= 1;
  return path === '' ? '' : path.slice(0, end) || '/';
}

function smallNumber(word: string): number {
  return /^\d{1,3}$/.test(word) ? Number(word) : 0;
}
