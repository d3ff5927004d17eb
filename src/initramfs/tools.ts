import { relative } from 'node:path';
import type { TargetReads } from '../machine/port.ts';
import type { Argv } from '../machine/program.ts';

/** What a tool is to make. */
export interface ImageRequest {
  readonly release: string;
  /** Path of the image in the guest; never that of the image that is booted. */
  readonly output: string;
  /**
   * Names of modules that must be in it whatever the tool finds out about the machine; where it takes none, its
   * configuration alone decides.
   */
  readonly modules: readonly string[];
}

/** A program that makes initial ramdisks, and all in which it differs from the others. */
export interface InitramfsTool {
  readonly name: 'initramfs-tools' | 'dracut' | 'mkinitrd (Red Hat)' | 'mkinitrd (SUSE)';
  /** Looked for in the guest. */
  readonly program: string;
  /** Names in /boot that it gives to the image of a kernel. */
  readonly images: (release: string) => readonly string[];
  /** Makes the image under another name, and does nothing else: no boot loader, no hook of a package. */
  readonly build: (request: ImageRequest) => Argv;
  /** How a person makes the image that is booted, in the guest. */
  readonly byHand: (release: string) => Argv;
  /** Where the guest says which drivers go into its images. */
  readonly listedIn: string;
  /**
   * Where it makes the tree of an image: in the first of these that is there and no tmpfs. That is how Red Hat's chooses; who
   * asks for TMPDIR is told the same.
   */
  readonly worksIn: readonly string[];
  /** Files that the distro's own command keeps about the image, and that no longer fit it when it was replaced. */
  readonly stateFiles: (release: string) => readonly StateFile[];
}

export interface StateFile {
  readonly path: string;
  /** What it must hold then. */
  readonly content: (image: { readonly path: string; readonly sha1: string }) => string;
  readonly why: string;
}

/**
 * In the order in which a guest's tool is looked for: dracut brings a `mkinitrd` of its own, that calls it.
 *
 * Sources: mkinitramfs(8) and update-initramfs of initramfs-tools 0.40 (Ubuntu 6.06) to 0.142, which have taken `-o` and the
 * release all that time; dracut(8); mkinitrd(8) of Red Hat Enterprise Linux 3 to 5; mkinitrd(8) of SUSE Linux Enterprise 10 and
 * 11, and the manual of SLES 9, where mk_initrd is an older name of it.
 *
 * Red Hat's makes gzipped cpio archives for kernels 2.6 ("Creating initramfs"). That of RHEL 3 mounts an ext2 image on a loop
 * device, and so does SUSE's `mkinitrd -R`.
 */
export const INITRAMFS_TOOLS: readonly InitramfsTool[] = [
  {
    name: 'initramfs-tools',
    program: 'mkinitramfs',
    images: (release) => [`initrd.img-${release}`],
    // update-initramfs writes in place and runs /etc/initramfs/post-update.d; mkinitramfs is what it calls.
    build: ({ release, output }) => ['mkinitramfs', '-o', output, release],
    byHand: (release) => ['update-initramfs', '-u', '-k', release],
    listedIn: '/etc/initramfs-tools/modules, or MODULES of initramfs.conf',
    worksIn: ['/var/tmp', '/tmp'],
    stateFiles: (release) => [
      {
        path: `/var/lib/initramfs-tools/${release}`,
        content: ({ path, sha1 }) => `${sha1}  ${path}\n`,
        why: 'the update-initramfs of older releases refuses to update an image whose checksum is not this one',
      },
    ],
  },
  {
    name: 'dracut',
    program: 'dracut',
    images: (release) => [`initramfs-${release}.img`, `initrd.img-${release}`, `initrd-${release}`],
    build: ({ release, output, modules }) => [
      'dracut',
      '--force',
      // In a tree there is no hardware to find out about: the guest's own hostonly=yes would leave out its drivers.
      ...(modules.length === 0 ? [] : ['--add-drivers', modules.join(' ')]),
      output,
      release,
    ],
    byHand: (release) => ['dracut', '--force', '--kver', release],
    listedIn: 'add_drivers of /etc/dracut.conf',
    worksIn: ['/var/tmp', '/tmp'],
    stateFiles: () => [],
  },
  {
    name: 'mkinitrd (Red Hat)',
    program: 'mkinitrd',
    images: (release) => [`initrd-${release}.img`],
    build: ({ release, output, modules }) => [
      'mkinitrd',
      '-f',
      ...modules.map((name) => `--with=${name}`),
      output,
      release,
    ],
    byHand: (release) => ['mkinitrd', '-f', `/boot/initrd-${release}.img`, release],
    listedIn: 'scsi_hostadapter of /etc/modprobe.conf',
    worksIn: ['/tmp', '/var/tmp'],
    stateFiles: () => [],
  },
  {
    name: 'mkinitrd (SUSE)',
    program: 'mkinitrd',
    images: (release) => [`initrd-${release}`],
    // INITRD_MODULES of /etc/sysconfig/kernel names the drivers, on whatever machine it runs; -m would take its place.
    build: ({ release, output }) => [
      'mkinitrd',
      ...['-k', `vmlinuz-${release}`],
      // It takes the name of the image as one in the folder of the kernels.
      ...['-i', relative('/boot', output)],
      ...['-b', '/boot'],
    ],
    byHand: (release) => ['mkinitrd', '-k', `vmlinuz-${release}`, '-i', `initrd-${release}`],
    listedIn: 'INITRD_MODULES of /etc/sysconfig/kernel',
    worksIn: ['/var/tmp', '/tmp'],
    stateFiles: () => [],
  },
];

/** An image of exactly this kernel that a boot may load. */
export interface InitramfsImage {
  readonly path: string;
  /** What rebuilds it; undefined where the guest has no tool that gives images such a name. */
  readonly tool: InitramfsTool | undefined;
  /** Bytes. */
  readonly size: number;
}

/** Another image of this kernel, which is named and not rebuilt. */
export interface OtherImage {
  readonly path: string;
  readonly what: string;
}

export interface InitramfsImages {
  readonly images: readonly InitramfsImage[];
  readonly others: readonly OtherImage[];
}

/** Images beside the one that is booted. Sources: kexec-tools of Red Hat, SUSE and Debian; dkms; update-initramfs. */
export const OTHER_IMAGES: readonly { readonly path: (release: string) => string; readonly what: string }[] =
  [
    { path: (release) => `/boot/initrd-${release}kdump.img`, what: 'crash kernel (kdump)' },
    { path: (release) => `/boot/initramfs-${release}kdump.img`, what: 'crash kernel (kdump)' },
    { path: (release) => `/boot/initrd-${release}-kdump`, what: 'crash kernel (kdump)' },
    { path: (release) => `/var/lib/kdump/initrd.img-${release}`, what: 'crash kernel (kdump)' },
    { path: (release) => `/var/lib/kdump/initramfs-${release}kdump.img`, what: 'crash kernel (kdump)' },
    { path: (release) => `/boot/initramfs-${release}-fallback.img`, what: 'fallback' },
    { path: (release) => `/boot/initrd.img-${release}.bak`, what: 'backup by update-initramfs' },
    { path: (release) => `/boot/initrd.img-${release}.dpkg-bak`, what: 'backup by update-initramfs' },
    { path: (release) => `/boot/initrd.img-${release}.old-dkms`, what: 'backup by dkms' },
  ];

type Reads = Pick<TargetReads, 'stat' | 'findInside'>;

/** The images of one kernel of the guest, and what rebuilds them. Needs no root and runs nothing. */
export async function initramfsImages(target: Reads, release: string): Promise<InitramfsImages> {
  const images: InitramfsImage[] = [];
  const names = new Set(INITRAMFS_TOOLS.flatMap((tool) => tool.images(release)));
  for (const name of names) {
    const path = `/boot/${name}`;
    const status = await target.stat(path);
    if (status === undefined) continue;
    // What is no regular file is refused by name when it is opened: the guest may boot from it all the same.
    images.push({ path, tool: await toolFor(target, release, name), size: status.size });
  }
  const found = await Promise.all(OTHER_IMAGES.map(({ path }) => target.stat(path(release))));
  const others = OTHER_IMAGES.filter((_, index) => found[index] !== undefined);
  return { images, others: others.map(({ path, what }) => ({ path: path(release), what })) };
}

async function toolFor(target: Reads, release: string, name: string): Promise<InitramfsTool | undefined> {
  for (const tool of INITRAMFS_TOOLS) {
    if (!tool.images(release).includes(name)) continue;
    if ((await target.findInside(tool.program)) !== undefined) return tool;
  }
  return undefined;
}
