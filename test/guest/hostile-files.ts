import { detectDistro } from '../../src/guest/distro.ts';
import { installedVersion, unfinishedPackages } from '../../src/guest/dpkg-status.ts';
import { parseFstab } from '../../src/guest/fstab.ts';
import { modulePaths } from '../../src/guest/module-file.ts';
import { moduleTreeProblems } from '../../src/guest/module-tree.ts';
import { readMounts } from '../../src/guest/mounts.ts';
import type { TargetReads } from '../../src/machine/port.ts';
import type { Hostile } from '../helpers/bounded.ts';

const RELEASE = '6.1.0-9-amd64';
const FOLDER = `/lib/modules/${RELEASE}`;

const fstab = (text: string) => () => `${parseFstab(text).length} entries`;
const status = (text: string) => async () => {
  const target = { readText: async () => text, list: async () => [] };
  const open = await unfinishedPackages(target, RELEASE);
  return `${installedVersion(text, [`linux-image-${RELEASE}`])}, ${open.length} open`;
};
const mounts = (text: string) => async () =>
  `${(await readMounts({ readText: async () => text })).length} mounts`;

/** A module tree with this index, in which every file is there. */
const index = (text: string) => async () => {
  const stat: TargetReads['stat'] = async (path) => ({
    type: path === FOLDER ? 'directory' : 'file',
    size: path.endsWith('modules.dep') ? text.length : 1,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: '1.000000000',
  });
  const target = {
    readText: async () => text,
    readLink: async () => undefined,
    list: async () => [],
    stat,
    lstat: stat,
  };
  const problems = await moduleTreeProblems(target, RELEASE, 'mptscsih');
  return `${problems.length} problems: ${problems[0]?.text}`;
};

export const HOSTILE: Readonly<Record<string, Hostile>> = {
  'fstab: slashes before a letter': (size) => fstab(`a ${'/'.repeat(size)}x b\n`),
  'fstab: many empty lines': (size) => fstab('\n'.repeat(size)),
  'fstab: blanks in one line': (size) => fstab(`a${' '.repeat(size)}\r`),
  'fstab: backslashes': (size) => fstab(`a /${'\\04'.repeat(size)} c\n`),
  'mounts: optional fields': (size) => mounts(`1 1 8:1 / / rw ${'a '.repeat(size)}\n`),
  'mounts: many lines': (size) => mounts('1 1 8:1 / /a rw - ext4 /dev/sda1 rw\n'.repeat(size)),
  'mounts: options': (size) => mounts(`1 1 8:1 / / ${'a,'.repeat(size)} - ext4 /dev/sda1 rw\n`),
  'dpkg: many empty stanzas': (size) => status('Package: a\n\n'.repeat(size)),
  'dpkg: a long version': (size) =>
    status(`Package: linux-image-${RELEASE}\nVersion: ${'1 '.repeat(size)}\n`),
  'dpkg: many versions': (size) =>
    status(`Package: linux-image-${RELEASE}\n${'Version: 1 2\n'.repeat(size)}`),
  'dpkg: a long state': (size) =>
    status(`Package: linux-image-${RELEASE}\nVersion: 1\nStatus: ${'installed '.repeat(size)}\n`),
  'os-release: a long line': (size) => () =>
    detectDistro({ '/etc/os-release': `ID=${'\u001b['.repeat(size)}` }).id,
  'os-release: a long version': (size) => () =>
    detectDistro({ '/etc/redhat-release': `${'Red Hat release '.repeat(size)}x` }).id,
  'modules.dep: what a module needs': (size) =>
    index(`mptscsih.ko:${Array.from({ length: size }, (_, at) => ` m${at}.ko`).join('')}\n`),
  'modules.dep: many empty lines': (size) => index(`${'\n'.repeat(size)}mptscsih.ko:\n`),
  'modules.dep: colons': (size) => index(`${'a.ko:'.repeat(size)}\u000b\n`),
  'modules.dep: blanks': (size) => index(`a.ko:${' '.repeat(size)}\u000b\n`),
  'modules.dep: words': (size) => index(`a.ko:${' b'.repeat(size)}\u000b\n`),
  'modules.dep: dots': (size) => index(`${'.ko'.repeat(size)}\n`),
  'modules.dep: many modules': (size) =>
    index(`${Array.from({ length: size }, (_, at) => `m${at}.ko:\n`).join('')}mptscsih.ko:\n`),
  'modules.dep: wrapped lines': (size) => index(`a.ko:${'\\\n'.repeat(size)}\n`),
  'modules.dep of an image: empty lines': (size) => {
    const text = '\n'.repeat(size);
    return () => `${modulePaths(text, RELEASE, 'mptscsih').length} paths`;
  },
};
