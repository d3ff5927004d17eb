import { relative } from 'node:path';
import { failure } from '../errors.ts';
import { seenInside } from '../machine/folders.ts';
import type { Argv, Target, TargetReads } from '../machine/port.ts';
import { moduleName, requireRelease } from '../names.ts';

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
  /** How a person makes the image that is booted. */
  readonly byHand: (release: string) => string;
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
 * Sources: mkinitramfs(8) and update-initramfs of initramfs-tools 0.142, dracut(8), mkinitrd(8) of Red Hat Enterprise
 * Linux 5, mkinitrd(8) of SUSE Linux Enterprise 10 and 11.
 */
export const INITRAMFS_TOOLS: readonly InitramfsTool[] = [
  {
    name: 'initramfs-tools',
    program: 'mkinitramfs',
    images: (release) => [`initrd.img-${release}`],
    // update-initramfs writes in place and runs /etc/initramfs/post-update.d; mkinitramfs is what it calls.
    build: ({ release, output }) => ['mkinitramfs', '-o', output, release],
    byHand: (release) => `update-initramfs -u -k ${release}`,
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
    byHand: (release) => `dracut --force --kver ${release}`,
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
    byHand: (release) => `mkinitrd -f /boot/initrd-${release}.img ${release}`,
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
    byHand: (release) => `mkinitrd -k vmlinuz-${release} -i initrd-${release}`,
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
const OTHERS: readonly { readonly path: (release: string) => string; readonly what: string }[] = [
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
  const found = await Promise.all(OTHERS.map(({ path }) => target.stat(path(release))));
  const others = OTHERS.filter((_, index) => found[index] !== undefined);
  return { images, others: others.map(({ path, what }) => ({ path: path(release), what })) };
}

async function toolFor(target: Reads, release: string, name: string): Promise<InitramfsTool | undefined> {
  for (const tool of INITRAMFS_TOOLS) {
    if (!tool.images(release).includes(name)) continue;
    if ((await target.findInside(tool.program)) !== undefined) return tool;
  }
  return undefined;
}

export interface InitramfsJob {
  readonly release: string;
  readonly tool: InitramfsTool;
  /** Path of the new image in the guest, in the folder of the one that it is for. The caller removes it. */
  readonly output: string;
  /** A folder of the guest, that the caller has made and removes: where the tool works. */
  readonly temporaryFolder: string;
  /** Names of modules that must be in it, where the tool takes such: those of the image that it is for. */
  readonly modules?: readonly string[];
  readonly signal?: AbortSignal;
  /** Each line of the tool as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface BuiltInitramfs {
  /** Bytes. */
  readonly size: number;
  /** All that the tool said. */
  readonly log: string;
}

/**
 * Makes an initramfs with the guest's own tool, in the guest, under another name than the one that is booted. When
 * it resolves, the disk has the image.
 *
 * Throws E_INITRAMFS_TOOL where the tool fails or leaves no image: with its first word on why, and all that it said
 * as the cause. E_NOT_ROOT, E_TOOLS_MISSING, E_SANDBOX and E_ARCH_UNSUPPORTED as `RunOptions.inside` has them.
 */
export async function buildInitramfs(target: Target, job: InitramfsJob): Promise<BuiltInitramfs> {
  const { release, tool, output, temporaryFolder, modules = [], signal, onLine } = job;
  const lines: string[] = [];
  const work = seenInside(target, temporaryFolder);
  // They are names of files in an image: what is no module's name would be another word to the tool, or an option.
  const known = modules.filter((name) => moduleName(name) !== undefined);
  const argv = tool.build({ release: requireRelease(release), output: `${work}/${BUILT}`, modules: known });
  const { status } = await target.run(argv, {
    effect: 'write',
    inside: { work: temporaryFolder },
    env: { TMPDIR: work },
    timeoutMs: TOOL_LIMIT_MS,
    onLine: (line) => {
      // A tool that has gone wrong may say the same for ever.
      if (lines.length < MAX_LINES) lines.push(line);
      onLine?.(line);
    },
    signal,
  });
  signal?.throwIfAborted();
  const log = `${lines.join('\n')}\n`;
  const built = `${temporaryFolder}/${BUILT}`;
  const image = await target.lstat(built);
  // Root's programs of the guest made it: a setuid bit on it is not one that this machine should keep.
  if (status === 0 && image?.type === 'file' && image.size > 0 && (image.mode & 0o6000) === 0) {
    await target.copy(built, output);
    return { size: image.size, log };
  }
  const why = status === 0 ? 'it wrote no image' : (firstError(lines) ?? `exit status ${status}`);
  throw failure(
    'E_INITRAMFS_TOOL',
    `the guest’s ${tool.program} could not build an initramfs for ${release}: ${why}`,
    `see what ${argv.join(' ')} prints in the guest; the current image was not touched`,
    { cause: new Error(log) },
  );
}

/** In the work folder: all else of the guest is shown to the tool read-only. */
const BUILT = 'mptfix-image';

/** The slowest seen took two minutes (xz of a large image, one core). */
const TOOL_LIMIT_MS = 30 * 60_000;

const MAX_LINES = 10_000;

/** How the tools mark what went wrong: `E: …` (initramfs-tools), `dracut[E]: …`, `dracut: FAILED: …`, and all others. */
const ERRORS = [
  /^E: /,
  /^dracut(-install)?(\[E\]| ?: (FAILED|ERROR))/,
  /\b(error|failed|cannot|no space|not found)\b/i,
];

function firstError(lines: readonly string[]): string | undefined {
  for (const pattern of ERRORS) {
    const line = lines.find((text) => pattern.test(text));
    if (line !== undefined) return line.trim();
  }
  return lines.findLast((line) => line.trim() !== '')?.trim();
}
