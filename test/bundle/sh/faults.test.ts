import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ERAS } from '../../initramfs/era-guest.ts';
import { sh, temporary } from '../../machine/temporary.ts';
import { type OldGuest, oldGuest, text } from '../old-guest.ts';

/*
 * What goes wrong on a guest, and how apply ends: the status, one line of JSON, and the tree as it was. One guest for all rows of
 * a table: each fault is made, looked at and taken back.
 */

const RHEL_5 = ERAS[0] as (typeof ERAS)[number];
const DASH = ['dash'];

interface Fault {
  readonly name: string;
  /** Makes it; answers what takes it back. */
  readonly make: (guest: OldGuest) => Promise<() => void>;
  readonly args?: readonly string[];
  readonly status: number;
  readonly code: string;
  readonly what: RegExp;
  readonly next?: RegExp;
  /** Files that the fault itself makes while apply runs. */
  readonly makes?: string;
}

/** Another text in the place of a program, with its time. */
async function replaced(guest: OldGuest, path: string, content: string | undefined): Promise<() => void> {
  const file = join(guest.root, path);
  const before = existsSync(file) ? { bytes: readFileSync(file), status: statSync(file) } : undefined;
  if (content === undefined) rmSync(file);
  else writeFileSync(file, content, { mode: 0o755 });
  return () => {
    if (before === undefined) return rmSync(file);
    writeFileSync(file, before.bytes, { mode: 0o755 });
    utimesSync(file, before.status.atime, before.status.mtime);
  };
}

/** The guest's tool with something done before it, in its place or after it; `$target` is the image. */
function tool(change: (script: string) => string): Fault['make'] {
  return async (guest) =>
    replaced(guest, RHEL_5.program, change(readFileSync(join(guest.root, RHEL_5.program), 'utf8')));
}

const only = (script: string): Fault['make'] =>
  tool(() => `#!/bin/sh\nfor target; do case $target in /boot/*) break;; esac; done\n${script}\n`);
const after = (script: string): Fault['make'] => tool((own) => `${own}\n${script}\n`);

/** A file system of its own at a place of the guest, with what was there. */
function onDisk(place: string, type: 'ext2' | 'ext3', kib: number, options = ''): Fault['make'] {
  return async ({ root }) => {
    const folder = await temporary();
    sh(
      `truncate -s "$3K" "$1/disk"; mke2fs -q -F -m 0 -t "$4" "$1/disk"; mkdir "$1/at"; mount -o loop "$1/disk" "$1/at"
       cp -a "$2/." "$1/at/"; umount "$1/at"; mount -o "loop$5" "$1/disk" "$2"`,
      folder,
      join(root, place),
      String(kib),
      type,
      options,
    );
    return mounted(root, `/dev/sdb1 /${place} ${type} rw 0 0`);
  };
}

function onMemory(place: string, kib: number): Fault['make'] {
  return async ({ root }) => {
    sh('mount -t tmpfs -o "size=$2k" tmpfs "$1"', join(root, place), String(kib));
    return mounted(root, `tmpfs /${place} tmpfs rw 0 0`);
  };
}

/** Puts the line into the guest's table of mounts; answers what lets go of the mount. */
function mounted(root: string, line: string): () => void {
  const table = join(root, 'proc/mounts');
  const lines = readFileSync(table, 'utf8');
  appendFileSync(table, `${line}\n`);
  let is = true;
  const take = (): void => {
    if (is) sh('umount "$1"', join(root, line.split(' ')[1] ?? ''));
    is = false;
    writeFileSync(table, lines);
  };
  onTestFinished(take);
  return take;
}

async function both(guest: OldGuest, ...makes: readonly Fault['make'][]): Promise<() => void> {
  const takes: (() => void)[] = [];
  for (const make of makes) takes.unshift(await make(guest));
  return () => {
    for (const take of takes) take();
  };
}

/** For as long as the fault is there, all of the guest is mounted read-only. */
async function readOnly({ root }: OldGuest): Promise<() => void> {
  sh('mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"', root);
  let mounted = true;
  const take = (): void => {
    if (mounted) sh('umount "$1"', root);
    mounted = false;
  };
  onTestFinished(take);
  return take;
}

const FULL = 'while cat /bin/dash; do :; done 2>/dev/null';
/** Also what the file system keeps for small files. */
const FILL = `mkdir /var/lib/fill; (${FULL}) > /var/lib/fill/all; sync
n=0; while echo x > /var/lib/fill/$n; do n=$((n + 1)); done 2>/dev/null`;
const INITRAMFS = { status: 8, code: 'E_INITRAMFS' } as const;
const FREE = /^free some/;

const FAULTS: readonly Fault[] = [
  ...(['ext2', 'ext3'] as const).flatMap((type): Fault[] => {
    // A journal of ext3 takes 1 MiB of so small a disk.
    const journal = type === 'ext3' ? 1024 : 0;
    const counted = { status: 3, code: 'E_NO_SPACE', next: FREE } as const;
    return [
      {
        name: `${type}: /boot is full`,
        make: onDisk('boot', type, 3000 + journal),
        ...counted,
        what: /\/boot needs \d+ KiB and has \d+/,
      },
      {
        name: `${type}: /var/lib is full`,
        make: onDisk('var/lib', type, 3000 + journal),
        ...counted,
        what: /\/var\/lib needs \d+ KiB/,
      },
      {
        name: `${type}: the tool has no room in /tmp`,
        make: onDisk('tmp', type, 3000 + journal),
        ...counted,
        what: /\/tmp needs \d+ KiB/,
      },
      {
        name: `${type}: the modules have no room`,
        make: onDisk(`lib/modules/${RHEL_5.release}`, type, 3000 + journal),
        ...counted,
        what: /\/lib\/modules\/[^ ]* needs \d+ KiB/,
      },
      {
        name: `${type}: the tool fills /boot`,
        make: (guest) => both(guest, onDisk('boot', type, 8192 + journal), only(`${FULL} > $target; exit 1`)),
        ...INITRAMFS,
        what: /could not build/,
      },
      {
        name: `${type}: the tool fills /boot and says that all is well`,
        make: (guest) => both(guest, onDisk('boot', type, 8192 + journal), only(`${FULL} > $target; exit 0`)),
        ...INITRAMFS,
        what: /nothing here can look into the new/,
      },
      {
        name: `${type}: /var/lib fills up while the tool runs`,
        make: (guest) => both(guest, onDisk('var/lib', type, 8192 + journal), after(FILL)),
        makes: 'var/lib/fill',
        status: 8,
        code: 'E_INSTALL|E_INITRAMFS',
        what: /everything was put back/,
      },
    ];
  }),
  {
    name: 'the root is read-only',
    make: readOnly,
    status: 3,
    code: 'E_READ_ONLY',
    what: /cannot be written to/,
    next: /storage answers again/,
  },
  {
    name: '/boot is read-only after an error',
    make: onDisk('boot', 'ext3', 9000, ',ro'),
    status: 3,
    code: 'E_READ_ONLY',
    what: /^\/boot cannot/,
    next: /check the file system/,
  },
  {
    name: '/boot is meant to be read-only',
    make: (guest) =>
      both(guest, onDisk('boot', 'ext2', 9000, ',ro'), (on) =>
        replaced(on, 'etc/fstab', '/dev/sda2 / ext3 defaults 1 1\n/dev/sdb1 /boot ext2 defaults,ro 1 2\n'),
      ),
    status: 3,
    code: 'E_READ_ONLY',
    what: /^\/boot cannot/,
    next: /^`mount -o remount,rw \/boot`, then/,
  },
  {
    name: 'the tool fails',
    make: only('echo "No module found"; exit 1'),
    ...INITRAMFS,
    what: /No module found/,
  },
  { name: 'the tool makes nothing', make: only('exit 0'), ...INITRAMFS, what: /wrote no image/ },
  { name: 'the tool makes an empty image', make: only(': > $target'), ...INITRAMFS, what: /wrote no image/ },
  { name: 'the tool is killed', make: after('kill -9 $$'), ...INITRAMFS, what: /could not build/ },
  {
    name: 'the new image has no driver',
    make: tool((own) => own.replace('(cd $image;', 'rm $image/lib/mptscsih.ko\n(cd $image;')),
    ...INITRAMFS,
    what: /does not hold the new module/,
    next: /modprobe\.conf/,
  },
  {
    name: 'the new image has the old driver',
    make: tool((own) => own.replace('(cd $image;', 'echo old > $image/lib/mptscsih.ko\n(cd $image;')),
    ...INITRAMFS,
    what: /does not hold the new module/,
  },
  {
    name: 'the new image has an old driver beside the new one',
    make: tool((own) =>
      own.replace('(cd $image;', 'mkdir $image/lib/a; echo old > $image/lib/a/mptscsih.ko\n(cd $image;'),
    ),
    ...INITRAMFS,
    what: /does not hold the new module/,
  },
  {
    name: 'the new image lacks another driver',
    make: tool((own) => own.replace('(cd $image;', 'rm $image/lib/mptspi.ko\n(cd $image;')),
    ...INITRAMFS,
    what: /lacks the module mptspi/,
  },
  {
    name: 'the new image lacks a program',
    make: tool((own) => own.replace('(cd $image;', 'rm $image/bin/nash\n(cd $image;')),
    ...INITRAMFS,
    what: /lacks the program nash/,
  },
  {
    name: 'the new image is cut off',
    make: after(
      'size=$(wc -c < $target); dd if=$target of=$target.half bs=$((size / 2)) count=1 2>/dev/null; cat $target.half > $target; rm $target.half',
    ),
    ...INITRAMFS,
    what: /is damaged/,
  },
  {
    name: 'the new image is cut off, by force',
    make: after(
      'size=$(wc -c < $target); dd if=$target of=$target.half bs=$((size / 2)) count=1 2>/dev/null; cat $target.half > $target; rm $target.half',
    ),
    args: ['--force'],
    ...INITRAMFS,
    what: /is damaged/,
  },
  {
    name: 'the archive in the new image is cut off',
    make: tool((own) => own.replace('| gzip -9', '| head -c 6000 | gzip -9')),
    ...INITRAMFS,
    what: /is damaged/,
  },
  {
    name: 'the image that boots is cut off',
    make: async ({ root, image }) => {
      const whole = readFileSync(join(root, image));
      writeFileSync(join(root, image), whole.subarray(0, -200));
      return () => writeFileSync(join(root, image), whole);
    },
    ...INITRAMFS,
    what: /is damaged/,
    next: /build it again/,
  },
  {
    name: 'the image that boots is nothing that can be opened',
    make: async ({ root, image }) => {
      const whole = readFileSync(join(root, image));
      writeFileSync(join(root, image), 'nothing that anybody knows'.repeat(100));
      return () => writeFileSync(join(root, image), whole);
    },
    status: 3,
    code: 'E_INITRAMFS_TOOL',
    what: /cannot be told whether it holds the driver/,
  },
  {
    name: 'nothing on the guest makes the image',
    make: (guest) => replaced(guest, RHEL_5.program, undefined),
    status: 3,
    code: 'E_INITRAMFS_TOOL',
    what: /nothing on the guest makes such an image/,
  },
];

/** Of depmod, where the index must be written anew. */
const DEPMOD: readonly Fault[] = [
  {
    name: 'depmod is not there',
    make: async () => () => {},
    status: 3,
    code: 'E_INDEX',
    what: /there is no depmod/,
  },
  {
    name: 'depmod fails',
    make: (guest) => replaced(guest, 'sbin/depmod', '#!/bin/sh\nexit 1\n'),
    status: 8,
    code: 'E_INSTALL',
    what: /depmod failed/,
  },
  {
    name: 'depmod fails with its files half written, one of them under another name',
    make: (guest) =>
      replaced(
        guest,
        'sbin/depmod',
        '#!/bin/sh\ncd /lib/modules/$2\necho half > modules.dep; echo half > modules.alias; echo half > modules.symbols.temp\nexit 1\n',
      ),
    status: 8,
    code: 'E_INSTALL',
    what: /depmod failed/,
  },
  {
    name: 'depmod is killed',
    make: (guest) =>
      replaced(guest, 'sbin/depmod', '#!/bin/sh\n: > /lib/modules/$2/modules.dep\nkill -9 $$\n'),
    status: 8,
    code: 'E_INSTALL',
    what: /depmod failed/,
  },
  {
    name: 'the new index does not name the module',
    make: (guest) => replaced(guest, 'sbin/depmod', '#!/bin/sh\n: > /lib/modules/$2/modules.dep\n'),
    status: 8,
    code: 'E_INSTALL',
    what: /modules\.dep does not give/,
  },
  {
    name: 'depmod fills its disk',
    make: (guest) =>
      both(guest, onDisk(`lib/modules/${RHEL_5.release}`, 'ext3', 8192), (on) =>
        replaced(on, 'sbin/depmod', `#!/bin/sh\n${FULL} > /lib/modules/$2/modules.dep\nexit 1\n`),
      ),
    status: 8,
    code: 'E_INSTALL',
    what: /depmod failed/,
  },
];

async function holdsThrough(guest: OldGuest, faults: readonly Fault[]): Promise<void> {
  for (const { name, make, args = [], status, code, what, next, makes } of faults) {
    const takeBack = await make(guest);
    const before = guest.all();
    const ended = guest.run('apply', '--yes', '--json', ...args);
    if (makes !== undefined) rmSync(join(guest.root, makes), { recursive: true });
    const said = `${name}: ${ended.stdout}${ended.stderr}`;
    expect(ended.stdout, said).toMatch(/^\{[^\n]*\}\n$/);
    const { error } = JSON.parse(ended.stdout);
    expect(error, said).toMatchObject({
      what: expect.stringMatching(what),
      next: expect.stringMatching(next ?? /./),
    });
    expect([ended.status, code.split('|')], said).toEqual([status, expect.arrayContaining([error.code])]);
    expect(guest.all(), said).toEqual(before);
    expect(existsSync(join(guest.root, 'var/lib/mptfix')), said).toBe(false);
    takeBack();
  }
}

test('what goes wrong with disks, tools and images is refused or undone', { timeout: 300_000 }, async () => {
  const guest = await oldGuest(RHEL_5, DASH, { tools: ['sha256sum'] });
  // From here df knows the mounts: there is no /proc of a kernel.
  symlinkSync('../proc/mounts', join(guest.root, 'etc/mtab'));
  await holdsThrough(guest, FAULTS);
  // Where nothing is wrong all of it goes well: also where a disk is full that is not needed. Red Hat's tool works in /tmp, but
  // on no tmpfs.
  for (const make of [async () => () => {}, onDisk('var/tmp', 'ext2', 3000), onMemory('tmp', 400)]) {
    const takeBack = await make(guest);
    const before = guest.all();
    const applied = guest.run('apply', '--yes');
    expect(applied, applied.stdout + applied.stderr).toMatchObject({ status: 0 });
    expect(guest.run('rollback', '--yes').status).toBe(0);
    // The tool tries its folders by a file.
    expect(guest.all().filter((line) => !line.startsWith('var/tmp/.test '))).toEqual(before);
    takeBack();
  }
});

test('by force a module of somebody else is replaced, and put back by a rollback', {
  timeout: 240_000,
}, async () => {
  const guest = await oldGuest(RHEL_5, DASH, { tools: ['sha256sum'] });
  writeFileSync(join(guest.root, guest.modulePath), 'of somebody else');
  const before = guest.all();
  expect(guest.run('apply', '--yes').status).toBe(3);
  expect(guest.all()).toEqual(before);
  expect(guest.run('apply', '--yes', '--force').status).toBe(0);
  expect(await text(guest, guest.modulePath)).toBe(String(guest.content.bytes));
  expect(guest.run('rollback', '--yes').status).toBe(0);
  expect(guest.all()).toEqual(before);
});

test('what goes wrong with depmod is refused or undone', { timeout: 300_000 }, async () => {
  const guest = await oldGuest(RHEL_5, DASH, { tools: ['sha256sum'], reindex: true });
  writeFileSync(join(guest.root, 'lib/modules', RHEL_5.release, 'modules.alias'), 'alias pci:* mptspi\n');
  await holdsThrough(guest, DEPMOD);
});

test('a depmod that writes into its files does not write into the kept ones', {
  timeout: 300_000,
}, async () => {
  const guest = await oldGuest(RHEL_5, DASH, { tools: ['sha256sum', 'busybox'], reindex: true });
  await replaced(guest, 'sbin/depmod', '#!/bin/sh\nexec /bin/busybox depmod "$@"\n');
  const before = guest.all();
  const index = `lib/modules/${RHEL_5.release}/modules.dep`;
  const old = await text(guest, index);
  const applied = guest.run('apply', '--yes');
  expect(applied, applied.stdout + applied.stderr).toMatchObject({ status: 0 });
  expect(await text(guest, index)).not.toBe(old);
  expect(await text(guest, 'var/lib/mptfix/generations/1/originals/modules.dep')).toBe(old);
  const undone = guest.run('rollback', '--yes');
  expect(undone, undone.stdout + undone.stderr).toMatchObject({ status: 0 });
  expect(guest.all()).toEqual(before);
});
