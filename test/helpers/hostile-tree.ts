import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { release as runningRelease } from 'node:os';
import { dirname, join } from 'node:path';
import { buildableGuest, HEADERS, headersMakefile, MODULE, RELEASE } from './buildable-guest.ts';
import type { Victim } from './victim.ts';

/** A guest's tree of somebody who means harm to the machine that looks at it, and its kernel's source. */
export interface HostileTree {
  readonly root: string;
  readonly source: string;
}

interface Scene {
  readonly victim: Victim;
  /** Joins a path below the tree. */
  readonly at: (path: string) => string;
  /** Writes a file of the tree, with the folders above it. */
  readonly put: (path: string, content: string, mode?: number) => void;
  /** A device, pipe or socket. */
  readonly node: (path: string, ...kind: readonly string[]) => void;
  readonly link: (path: string, text: string) => void;
}

/** More steps up than any folder of the tests is deep: in a tree they end at its root, on the host at the host's. */
const UP = '/..'.repeat(24);
const NONE = '0'.repeat(64);
const POLICY = { before: 'continue', after: 'remount-ro' };

/** The traps that a tree may hold, by name: most are one of the ways in which a tree once got at its host. */
const TRAPS = {
  /** The name of an archive's key leads to a file of the host, and the tree has the content for it. */
  'apt-key': ({ victim, put }) => {
    const key = `${UP}${victim.folder}/etc/cron.d/key`;
    put(`${victim.folder}/etc/cron.d/key`, '* * * * * root true\n');
    put('etc/apt/sources.list', `deb [signed-by=${key}] http://127.0.0.1:9 ./\n`);
    put(
      'etc/apt/sources.list.d/new.sources',
      `Types: deb\nURIs: http://127.0.0.1:9\nSuites: ./\nSigned-By: ${key}\n`,
    );
  },
  'apt-trusted': ({ put }) => {
    put(
      'etc/apt/sources.list.d/trusted.list',
      'deb [trusted=yes allow-insecure=yes] http://127.0.0.1:9 ./\n',
    );
    put('etc/apt/auth.conf', 'machine http://127.0.0.1 login guest password of-the-guest\n', 0o600);
    put('etc/apt/apt.conf.d/99hook', 'APT::Update::Pre-Invoke { "touch /hooked"; };\n');
  },
  /** The disk's node with permissions for all among the headers, and a Makefile that writes to it. */
  'headers-device': ({ put, node, at }) => {
    node(`${HEADERS}/include/disk`, 'b');
    node(`${HEADERS}/include/pipe`, 'p');
    execFileSync('python3', ['-c', SOCKET, at(`${HEADERS}/include/socket`)]);
    put(
      `${HEADERS}/Makefile`,
      headersMakefile(
        'for disk in $(CURDIR)/include/disk $(M)/../headers/*/include/disk; do dd if=/dev/zero of=$$disk bs=512 count=1 conv=notrunc; done 2>/dev/null; true',
      ),
    );
  },
  'headers-sign-file': ({ victim, put }) => {
    const script = `#!/bin/sh\ncat "$2" > "${victim.folder}/stolen-key"\nid > "${victim.folder}/signed-as"\n`;
    put(`${HEADERS}/scripts/sign-file`, script, 0o755);
  },
  /** The module is to be signed in a way that names another program. */
  'headers-config': ({ put }) => {
    put(`${HEADERS}/.config`, 'CONFIG_FUSION=y\nCONFIG_MODULE_SIG_HASH="sha256"\n');
  },
  /** An installation that was begun, and whose undo has to build an image: by the tree's own program. */
  'open-image': (scene) => {
    intruder(scene, 'usr/sbin/mkinitramfs');
    scene.put(`boot/initrd.img-${RELEASE}`, '');
    const image = execFileSync('sh', [
      '-c',
      'cd "$0" && echo etc/hostname | cpio -oHnewc --quiet | gzip',
      scene.at('.'),
    ]);
    writeFileSync(scene.at(`boot/initrd.img-${RELEASE}`), image);
    openTransaction(scene, 'install', 1, [
      {
        kind: 'image',
        release: RELEASE,
        module: 'mptscsih',
        tool: 'initramfs-tools',
        output: `/boot/.initrd.img-${RELEASE}.mptfix-0123456789ab.tmp`,
        files: [
          {
            path: `/boot/initrd.img-${RELEASE}`,
            original: record(`/boot/initrd.img-${RELEASE}`),
            backup: `/boot/initrd.img-${RELEASE}.mptfix-1`,
          },
        ],
      },
    ]);
  },
  /** Undone by depmod, of a release that is the way to the host's folder. */
  'open-index-release': (scene) => {
    mkdirSync(scene.at('lib/modules/6.1'), { recursive: true });
    openIndex(scene, 2, `6.1/../../../../host/lib/modules/host`);
  },
  'open-index-option': (scene) => {
    mkdirSync(join(scene.victim.folder, 'lib/modules', runningRelease()), { recursive: true });
    openIndex(scene, 3, `--basedir=${scene.victim.folder}`);
  },
  /** Files that an undo writes, whose folder is a link out of the tree, by name or by the kept copy. */
  'open-file': (scene) => {
    scene.link('etc/out', scene.victim.folder);
    scene.link('etc/up', `..${UP}${scene.victim.folder}`);
    for (const [number, folder] of ['/etc/out', '/etc/up', `/etc${UP}${scene.victim.folder}`].entries()) {
      const path = `${folder}/etc/passwd`;
      openTransaction(scene, 'install', 4 + number, [
        {
          kind: 'file',
          what: 'an edit',
          after: NONE,
          mode: 420,
          files: [{ path, original: null, backup: null }],
        },
      ]);
    }
  },
  /** A mount of the host, as if it were the tree's. */
  'open-mount': (scene) => {
    const { folder, device } = scene.victim.mount;
    openTransaction(scene, 'harden', 1, [{ kind: 'mount-option', mountPoint: folder, device, ...POLICY }]);
  },
  'open-superblock': (scene) => {
    const { device, uuid } = scene.victim.mount;
    openTransaction(scene, 'harden', 2, [{ kind: 'device-superblock', device, uuid, ...POLICY }]);
    openTransaction(scene, 'harden', 3, [{ kind: 'superblock', device, uuid, ...POLICY }]);
  },
  /** Steps that act on a running machine. */
  'open-machine': (scene) => {
    const host = `${UP}${scene.victim.folder}`;
    openTransaction(scene, 'harden', 4, [{ kind: 'sysfs', path: `${host}/secret`, before: '1', after: '2' }]);
    openTransaction(scene, 'schedule', 1, [{ kind: 'memory-copy', path: `${host}/data` }]);
    openTransaction(scene, 'schedule', 2, [
      { kind: 'scheduler', scheduler: 'systemd', action: 'start', isNew: true },
    ]);
  },
  /** Whom the watch is to notify, and by what. */
  'watch-config': (scene) => {
    const { victim, put, at, node } = scene;
    put('evil', `#!/bin/sh\nid > "${victim.folder}/sendmail-ran"\nexit 1\n`, 0o755);
    const watch = {
      to: 'root@example.org',
      sendmail: at('evil'),
      webhook: { url: `http://127.0.0.1:${victim.port}/hook` },
      smtp: { host: '127.0.0.1', port: victim.port, security: 'none' },
      timeLimitSeconds: 1,
    };
    put('etc/mptfix.json', JSON.stringify({ watch }));
    node('dev/kmsg', 'b');
  },
  /** File systems that are read-only, on disks of the host: reason enough for an alarm. */
  mounts: ({ victim, put }) => {
    const { mount, disk } = victim;
    put(
      'proc/self/mountinfo',
      [
        `27 1 8:1 / / ro,relatime - ext4 /dev/sda1 ro,errors=remount-ro`,
        `28 27 ${disk.major}:${disk.minor} / ${mount.folder} rw,relatime - ext4 ${mount.device} rw,errors=remount-ro`,
        `29 27 8:2 / /x\\012${'\\033'}]0;title\\007 ro - ext4 /dev/sd\\033[2J ro`,
        '',
      ].join('\n'),
    );
    put('etc/fstab', `/dev/sda1 / ext4 rw 0 1\n${mount.device} ${mount.folder} ext4 errors=continue 0 2\n`);
    put('proc/partitions', 'major minor  #blocks  name\n\n   8 0 1048576 sda\n   8 1 1048576 sda1\n');
    put(
      'var/log/kern.log',
      'Jan  1 00:00:01 guest kernel: [    1.0] EXT4-fs (sda1): Remounting filesystem read-only\n',
    );
  },
  /** Names that a terminal, a shell, a line of text or an argument vector would take for something else. */
  names: ({ put, at }) => {
    const text =
      'ID=debian\nPRETTY_NAME="Debian \u001b]0;title\u0007\u001b]52;c;aGVsbG8=\u0007\u001b[2J"\nVERSION_ID="12"\n';
    put('etc/os-release', text);
    for (const name of [
      '-rf',
      '--help',
      'new\nline',
      '\u001b]0;title\u0007',
      '$(touch x)',
      '; touch y',
      '%s%n',
    ])
      for (const folder of [
        'etc/apt/sources.list.d',
        'var/log',
        'lib/modules',
        HEADERS,
        'boot',
        'etc/modprobe.d',
      ])
        put(`${folder}/${name}`, 'hostile\n');
    for (const name of ['--version', '6.1.9$(touch z)', '6.1.9\n', '6..1', '6.1.9 '.padEnd(200, '9')])
      mkdirSync(at(`lib/modules/${name}`));
    put('etc/hostname', '-oQ/tmp\u001b]0;x\u0007\n');
  },
  /** Links that lead to the host wherever a command looks. */
  links: ({ victim, link, at }) => {
    const host = victim.folder;
    link('lib/modules/6.1.9-2-amd64', `../../../host/lib/modules/host`);
    link('lib/modules/6.1.9-3-amd64', `..${UP}${host}/lib/modules/host`);
    link('lib/modules/6.1.9-4-amd64', `${host}/lib/modules/host`);
    link(`lib/modules/${RELEASE}/updates`, `${host}/data`);
    link(`lib/modules/${RELEASE}/source`, `${host}/data`);
    link('var/log/messages', `${host}/secret`);
    link('var/lib/initramfs-tools', `${host}/data`);
    link('etc/udev', `${host}/etc`);
    link('etc/cron.d', `${host}/etc/cron.d`);
    link('etc/systemd', `${host}/etc`);
    link('run/mptfix', `${host}/data`);
    link('loop-a', 'loop-b');
    link('loop-b', 'loop-a');
    execFileSync('rm', ['-rf', at('var/tmp')]);
    link('var/tmp', host);
  },
  /** No archive, a device, and one whose sizes are a lie. */
  initramfs: ({ put, node, link, victim }) => {
    node(`boot/initramfs-${RELEASE}.img`, 'b');
    put(`boot/initrd-${RELEASE}.img`, `070701${'f'.repeat(104)}TRAILER!!!`);
    link(`boot/initrd-${RELEASE}`, `${victim.folder}/secret`);
    node('boot/grub/grub.cfg', 'p');
    node('boot/grub/menu.lst', 'b');
    node('boot/loader/entries/a.conf', 'p');
  },
  /** Programs of the tree by every name that a program of the host has. */
  programs: ({ victim, put, at }) => {
    const script = `#!/bin/sh\necho "$0" >> "${victim.folder}/program-ran"\nexit 1\n`;
    put('usr/bin/program', script, 0o755);
    const names = ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].flatMap((folder) => readdirSync(folder));
    for (const name of new Set([...names, ...GUEST_PROGRAMS])) {
      if (!existsSync(at(`usr/bin/${name}`))) linkSync(at('usr/bin/program'), at(`usr/bin/${name}`));
    }
    put(
      'etc/modprobe.d/evil.conf',
      `install mptscsih touch ${victim.folder}/modprobe-ran\nblacklist mptscsih\n`,
    );
    put('etc/depmod.d/evil.conf', 'search updates\noverride mptscsih * ../../../../../../host\n');
  },
  /** What is larger than anything that it stands for, without an end, or waits for ever. */
  sizes: ({ node, at, put }) => {
    node('var/log/syslog', 'c', '1', '5');
    node('var/log/dmesg', 'p');
    node('proc/modules', 'c', '1', '5');
    node('proc/mounts', 'p');
    put('var/log/boot.log', '');
    truncateSync(at('var/log/boot.log'), 10 * 1024 ** 3);
  },
} satisfies Readonly<Record<string, (scene: Scene) => void>>;

export type Trap = keyof typeof TRAPS;
export const ALL_TRAPS = Object.keys(TRAPS) as readonly Trap[];

/** What a command may look for in a guest, and this machine may lack. */
const GUEST_PROGRAMS = [
  'dracut',
  'mkinitrd',
  'update-initramfs',
  'grub2-mkconfig',
  'grubby',
  'rpm',
  'sendmail',
];

const SOCKET =
  'import socket,sys,os; os.chdir(os.path.dirname(sys.argv[1])); socket.socket(socket.AF_UNIX).bind("socket")';

/** Makes the tree at `victim.base/guest`, with these traps; one that stood there before goes. */
export function hostileTree(victim: Victim, traps: readonly Trap[]): HostileTree {
  const root = join(victim.base, 'guest');
  const source = join(victim.base, 'source');
  for (const folder of [root, source]) rmSync(folder, { recursive: true, force: true });
  buildableGuest(root, source);
  const at = (path: string): string => join(root, path);
  const parent = (path: string): void => void mkdirSync(dirname(at(path)), { recursive: true });
  const scene: Scene = {
    victim,
    at,
    put: (path, content, mode = 0o644) => {
      parent(path);
      rmSync(at(path), { force: true, recursive: true });
      writeFileSync(at(path), content);
      chmodSync(at(path), mode);
    },
    node: (path, kind, ...numbers) => {
      parent(path);
      rmSync(at(path), { force: true });
      const { major, minor } = victim.disk;
      const device = numbers.length > 0 || kind === 'p' ? numbers : [String(major), String(minor)];
      execFileSync('mknod', ['-m', '666', at(path), kind ?? 'p', ...device]);
    },
    link: (path, text) => {
      parent(path);
      rmSync(at(path), { recursive: true, force: true });
      symlinkSync(text, at(path));
    },
  };
  for (const folder of ['sbin', 'var/tmp']) mkdirSync(at(folder), { recursive: true });
  for (const trap of traps) TRAPS[trap](scene);
  return { root, source };
}

/** A statically linked program that tries every way out; its last word is `E: reached:` and what it got at. */
function intruder({ victim, at }: Scene, path: string): void {
  const built = join(victim.base, 'intruder');
  const defines = [
    ...[`HOST="${victim.folder}"`, `MAJOR=${victim.disk.major}`, `MINOR=${victim.disk.minor}`],
    ...[`PORT=${victim.port}`, `BYSTANDER=${victim.bystander}`],
  ];
  const source = join(import.meta.dirname, 'intruder.c');
  execFileSync('gcc', ['-static', '-O1', '-w', ...defines.map((one) => `-D${one}`), '-o', built, source]);
  mkdirSync(dirname(at(path)), { recursive: true });
  copyFileSync(built, at(path));
  chmodSync(at(path), 0o755);
}

/** A file as a record has it; of a content that nothing has. */
function record(path: string): object {
  return { path, sha256: NONE, size: 1, mode: '0644', uid: 0, gid: 0, mtime: '1.000000000' };
}

const RECORDS = { install: 'generations', harden: 'harden', schedule: 'schedule' } as const;
const NAMES = { install: 'originals.json', harden: 'set.json', schedule: 'record.json' } as const;

/** A run that was interrupted after its steps were done, in the words of mptfix itself. */
export function openTransaction(
  { put, at }: Pick<Scene, 'put' | 'at'>,
  purpose: keyof typeof RECORDS,
  number: number,
  steps: readonly object[],
): void {
  const folder = `var/lib/mptfix/${RECORDS[purpose]}/${number}`;
  const created = '2024-01-01T00:00:00.000Z';
  const line = (event: string, step?: number) => `${JSON.stringify({ time: created, event, step })}\n`;
  put(
    `${folder}/${NAMES[purpose]}`,
    JSON.stringify({
      ...{ schema: 'mptfix.transaction/1', purpose, number, created, steps },
      ...{ kernel: RELEASE, folders: [], state: { made: [], parent: null } },
    }),
  );
  const done = steps.map((_, index) => line('intent', index) + line('done', index));
  put(`${folder}/journal.ndjson`, `${line('begin')}${done.join('')}`);
  execFileSync('chmod', ['-R', 'go=', at('var/lib/mptfix')]);
}

function openIndex(scene: Scene, number: number, release: string): void {
  const path = `/${MODULE}`;
  openTransaction(scene, 'install', number, [
    {
      kind: 'index',
      release,
      module: 'mptscsih',
      path,
      files: [{ path, original: record(path), backup: 'none' }],
    },
  ]);
}
