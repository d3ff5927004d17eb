import { chmodSync } from 'node:fs';
import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { put, sh, temporary } from '../machine/temporary.ts';

/*
 * Guests of 2003 to 2007, as far as their initramfs tools see them. The tools are scripts of ours that read, write and print
 * what those of the time do, with the programs of today.
 */

const PROGRAMS = 'dash cat cp cpio find gzip ln ls mkdir mktemp rm sed sort tr wc df'.split(' ');

/** Whose tool it is, and how it calls its images. */
export interface Era {
  readonly name: string;
  readonly release: string;
  readonly image: string;
  /** Where its tool is, and what the tool reads of the guest. */
  readonly program: string;
  readonly script: string;
  readonly config: Readonly<Record<string, string>>;
  /** Where the image has its modules. */
  readonly folder: string;
}

/** Each module of the list with what it needs before it, as modules.dep has it. */
const DEPENDENCIES = String.raw`
needs() {
  sed -n "s,^[^:]*/$1\.k*o: *,,p" /lib/modules/$release/modules.dep | tr ' ' '\n' | sed 's,.*/,,; s,\.k*o$,,' | sort -r
  echo "$1"
}
file_of() { find /lib/modules/$release -name "$1.ko" -o -name "$1.o"; }
`;

/** As mkinitrd 4 and 5 of Red Hat: nash, modules in /lib, a folder for its work that is no tmpfs. */
const RED_HAT = String.raw`#!/bin/sh
usage() { echo "usage: mkinitrd [-f] [--with=<module>] <initrd-image> <kernel-version>" >&2; exit 1; }
force=; modules=
while [ $# -gt 0 ]; do
  case $1 in
    -f) force=1 ;;
    --with=*) modules="$modules ${'$'}{1#--with=}" ;;
    -*) usage ;;
    *) break ;;
  esac
  shift
done
[ $# -eq 2 ] || usage
target=$1 release=$2
[ -n "$force" ] || [ ! -f "$target" ] || { echo "$target already exists." >&2; exit 1; }
[ -d /lib/modules/$release ] || { echo "/lib/modules/$release is not a directory." >&2; exit 1; }
${DEPENDENCIES}
modules="$(sed -n 's,^alias *scsi_hostadapter[0-9]* ,,p' /etc/modprobe.conf) $modules"
work=
for folder in /tmp /var/tmp; do
  (: > $folder/.test) 2>/dev/null || continue
  [ "$(df -T $folder | sed -n 's,^[^ ]*  *\([^ ]*\) .*,\1,p' | sed 1d)" = tmpfs ] || { work=$folder; break; }
done
[ -n "$work" ] || { echo "No temporary directory could be found." >&2; exit 1; }
echo "Creating initramfs"
image=$(mktemp -d $work/initrd.XXXXXX)
mkdir $image/bin $image/lib $image/etc
cp /sbin/nash $image/bin/nash
for module in $modules; do
  for each in $(needs $module); do
    path=$(file_of $each)
    [ -n "$path" ] || { echo "No module $each found for kernel $release, aborting." >&2; exit 1; }
    file=${'$'}{path##*/}
    [ -f $image/lib/$file ] || { cp $path $image/lib/; echo "insmod /lib/$file" >> $image/init; }
  done
done
(cd $image; find . | cpio --quiet -H newc -o | gzip -9) > "$target" || exit 1
rm -rf $image
`;

/** As mkinitrd of SLES 9 and 10: names in the folder of the kernels, work in /var/tmp, modules of INITRD_MODULES. */
const SUSE = `#!/bin/sh
kernels= images= boot=/boot modules=
while getopts k:i:b:m: option; do
  case $option in
    k) kernels=$OPTARG ;;
    i) images=$OPTARG ;;
    b) boot=$OPTARG ;;
    m) modules=$OPTARG ;;
    *) exit 1 ;;
  esac
done
[ -n "$kernels" ] || { echo "all kernels of $boot" >&2; exit 1; }
release=\${kernels#vmlinuz-}
[ -f $boot/$kernels ] || { echo "No kernel image $boot/$kernels found" >&2; exit 1; }
. /etc/sysconfig/kernel
[ -n "$modules" ] || modules=$INITRD_MODULES
${DEPENDENCIES}
work=$(mktemp -d /var/tmp/mkinitramfs.XXXXXX) || { echo "Can't create temp dir, exiting." >&2; exit 1; }
echo "Kernel image:   $boot/$kernels"; echo "Initrd image:   $boot/$images"; echo "Module list:    $modules"
to=lib/modules/$release/initrd
mkdir -p $work/mnt/$to $work/mnt/bin
cp /bin/dash $work/mnt/bin/sh
for module in $modules; do
  for each in $(needs $module); do cp $(file_of $each) $work/mnt/$to/; done
done
(cd $work/mnt; find . | cpio --quiet -H newc -o) | gzip -9 > $boot/$images || { rm -rf $work; exit 1; }
# The name without a release leads to the newest: a tree shows it read-only.
[ "$(ls -l $boot/vmlinuz 2>/dev/null | sed 's,.* -> ,,')" != $kernels ] || { rm -f $boot/initrd; ln -s $images $boot/initrd; }
rm -rf $work
echo "Run lilo now to update the boot loader configuration."
`;

/**
 * As mkinitramfs of initramfs-tools: the kernel's whole folder of drivers, whatever the machine has. 0.40 of Ubuntu 6.06 works in
 * /tmp, later ones in /var/tmp.
 */
const initramfsTools = (folder: string): string => `#!/bin/sh
while getopts o: option; do
  case $option in o) outfile=$OPTARG ;; *) exit 1 ;; esac
done
shift $((OPTIND - 1))
release=$1
[ -n "$outfile" ] || { echo "Usage: mkinitramfs <-o outfile> [version]" >&2; exit 1; }
[ -d /lib/modules/$release ] || { echo "Cannot find /lib/modules/$release" >&2; exit 1; }
work=$(mktemp -d \${TMPDIR:-${folder}}/mkinitramfs_XXXXXX)
mkdir -p $work/bin $work/lib/modules/$release
cp /bin/dash $work/bin/sh
(cd /lib/modules/$release; find . -name '*.ko' | cpio --quiet -pd $work/lib/modules/$release)
echo '#!/bin/sh' > $work/init
(cd $work; find . | cpio --quiet --dereference -o -H newc | gzip > "$outfile")
rm -rf $work
`;

/** As dracut of RHEL 6: of the drivers what the machine has, as far as it can see it, and what it is told. */
const DRACUT = `#!/bin/sh
force= drivers="mptspi ext3"
while [ $# -gt 0 ]; do
  case $1 in
    --force) force=1 ;;
    --add-drivers) drivers="$drivers $2"; shift ;;
    -*) echo "unknown option $1" >&2; exit 1 ;;
    *) break ;;
  esac
  shift
done
target=$1 release=$2
[ -n "$force" ] || [ ! -f "$target" ] || { echo "Will not override existing initramfs ($target) without --force" >&2; exit 1; }
${DEPENDENCIES}
work=$(mktemp -d \${TMPDIR:-/var/tmp}/initramfs.XXXXXX)
mkdir -p $work/tree/bin
cp /bin/dash $work/tree/bin/sh
for driver in $drivers; do
  for each in $(needs $driver); do
    path=$(file_of $each)
    [ -n "$path" ] || continue
    mkdir -p $work/tree\${path%/*}
    cp $path $work/tree$path
  done
done
(cd $work/tree; find . | cpio --quiet -H newc -o | gzip -9) > $work/image || exit 1
cp $work/image "$target"
rm -rf $work
`;

/** As mkinitrd 3.5 of RHEL 3, for which an image is a file system on a loop device. */
const RED_HAT_3 = `#!/bin/sh
for device in /dev/loop0 /dev/loop1; do [ -b $device ] && found=$device; done
[ -n "$found" ] || { echo "All of your loopback devices are in use." >&2; exit 1; }
`;

const rhel = (name: string, release: string, driver: string): Era => ({
  name,
  release,
  image: `initrd-${release}.img`,
  program: 'sbin/mkinitrd',
  script: RED_HAT,
  config: {
    'etc/modprobe.conf': `alias eth0 pcnet32\nalias scsi_hostadapter mptbase\nalias scsi_hostadapter1 ${driver}\n`,
    'sbin/nash': 'program',
  },
  folder: 'lib',
});

export const ERAS: readonly Era[] = [
  rhel('RHEL 5', '2.6.18-8.1.15.el5PAE', 'mptspi'),
  rhel('RHEL 4', '2.6.9-42.0.10.ELsmp', 'mptspi'),
  {
    name: 'SLES 10',
    release: '2.6.16.21-0.8-bigsmp',
    image: 'initrd-2.6.16.21-0.8-bigsmp',
    program: 'sbin/mkinitrd',
    script: SUSE,
    config: {
      'etc/sysconfig/kernel': 'INITRD_MODULES="mptspi ext3"\n',
      'boot/vmlinuz-2.6.16.21-0.8-bigsmp': '',
    },
    folder: 'lib/modules/2.6.16.21-0.8-bigsmp/initrd',
  },
  {
    name: 'Ubuntu 6.06',
    release: '2.6.15-28-686',
    image: 'initrd.img-2.6.15-28-686',
    program: 'usr/sbin/mkinitramfs',
    script: initramfsTools('/tmp'),
    config: {},
    folder: 'lib/modules/2.6.15-28-686/kernel/drivers/message/fusion',
  },
  {
    name: 'SLES 9',
    release: '2.6.5-7.244-bigsmp',
    image: 'initrd-2.6.5-7.244-bigsmp',
    program: 'sbin/mkinitrd',
    script: SUSE,
    config: {
      'etc/sysconfig/kernel': 'INITRD_MODULES="mptspi ext3"\n',
      'boot/vmlinuz-2.6.5-7.244-bigsmp': '',
    },
    folder: 'lib/modules/2.6.5-7.244-bigsmp/initrd',
  },
  {
    name: 'Debian 5',
    release: '2.6.26-2-686',
    image: 'initrd.img-2.6.26-2-686',
    program: 'usr/sbin/mkinitramfs',
    script: initramfsTools('/var/tmp'),
    config: {},
    folder: 'lib/modules/2.6.26-2-686/kernel/drivers/message/fusion',
  },
  {
    name: 'RHEL 6',
    release: '2.6.32-71.el6.i686',
    image: 'initramfs-2.6.32-71.el6.i686.img',
    program: 'sbin/dracut',
    script: DRACUT,
    config: {},
    folder: 'lib/modules/2.6.32-71.el6.i686/kernel/drivers/message/fusion',
  },
];

/** RHEL 3, whose tool cannot run where nothing may be mounted. */
export const LOOP: Era = { ...rhel('RHEL 3', '2.4.21-47.EL', 'mptscsih'), script: RED_HAT_3 };

/** The same with mke2fs in the place of a loop device, for guests that have that program: the image is what RHEL 3 boots. */
export const EXT2: Era = {
  ...LOOP,
  script: RED_HAT.replace(
    /^\(cd \$image; find.*$/m,
    'mke2fs -q -F -t ext2 -d $image $image.img 3000 && gzip -9 < $image.img > "$target" || exit 1\nrm -f $image.img',
  ).replace('Creating initramfs', 'Creating initrd'),
};

/** The driver of an era: on RHEL 4 the code is in mptscsi, and mptscsih is a dummy beside it. */
export function driverOf({ name }: Era): string {
  return name === 'RHEL 4' ? 'mptscsi' : 'mptscsih';
}

/** How files of modules end: until Linux 2.5 as those of any other object. */
export function extensionOf({ release }: Era): 'ko' | 'o' {
  return release.startsWith('2.4.') ? 'o' : 'ko';
}

/** A guest of an era, with this as its driver and the module tree around it. */
export async function eraGuest(era: Era, driver: Buffer): Promise<string> {
  const { release, program, script, config } = era;
  const fusion = `kernel/drivers/message/fusion`;
  const end = extensionOf(era);
  const path = (name: string): string => `/lib/modules/${release}/${fusion}/${name}.${end}`;
  const own = driverOf(era);
  const root = await temporary({
    [`lib/modules/${release}/${fusion}/${own}.${end}`]: driver,
    [`lib/modules/${release}/${fusion}/mptbase.${end}`]: 'mptbase',
    [`lib/modules/${release}/${fusion}/mptspi.${end}`]: 'mptspi',
    [`lib/modules/${release}/kernel/fs/ext3/ext3.${end}`]: 'ext3',
    // module-init-tools before 3.6 writes whole paths.
    [`lib/modules/${release}/modules.dep`]: [
      `${path('mptspi')}: ${path(own)} ${path('mptbase')}`,
      `${path(own)}: ${path('mptbase')}`,
      `${path('mptbase')}:`,
      `/lib/modules/${release}/kernel/fs/ext3/ext3.${end}:`,
      '',
    ].join('\n'),
    'boot/.keep': '',
    'etc/fstab': '/dev/sda2 / ext3 defaults 1 1\n',
    ...config,
    [program]: script,
  });
  chmodSync(join(root, program), 0o755);
  await mkdir(join(root, 'work'));
  await putPrograms(root);
  return root;
}

/** What a tool of an era needs to run in a tree. */
export async function putPrograms(root: string): Promise<void> {
  for (const name of ['proc', 'dev', 'tmp', 'sys', 'bin', 'var/tmp'])
    await mkdir(join(root, name), { recursive: true });
  const programs = PROGRAMS.map((name) => sh('readlink -f "$(command -v "$1")"', name).trim());
  const libraries = sh('ldd "$@"', ...programs).match(/\/\S+(?= \()/g) ?? [];
  for (const file of new Set([...programs, ...libraries])) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await copyFile(file, join(root, file));
  }
  await put(root, { 'bin/dash': { link: sh('readlink -f "$(command -v dash)"').trim() } });
  await symlink('dash', join(root, 'bin/sh'));
}
