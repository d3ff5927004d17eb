import { copyFile, cp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Target } from '../../src/machine/port.ts';
import { mustRun } from '../../src/machine/tools.ts';
import type { Write } from './disk.ts';

/** A quick boot: systemd, the root file system checked and mounted, and the serial line. */
export const QUICK_UNIT = 'lab-power.target';
const UNITS: Readonly<Record<string, string>> = {
  [QUICK_UNIT]: [
    '[Unit]',
    'Description=what the lab needs',
    'Requires=systemd-remount-fs.service',
    'After=systemd-remount-fs.service',
    'Wants=lab-power.service',
    'AllowIsolate=yes',
  ].join('\n'),
  'lab-power.service': [
    '[Unit]',
    'Description=does what the lab says on the serial line',
    // From the first moment that the disk can be written; a whole boot goes on beside it.
    'DefaultDependencies=no',
    'After=systemd-remount-fs.service',
    '[Service]',
    'ExecStart=/bin/sh /opt/lab/power.sh',
    'StandardOutput=null',
    'StandardError=null',
  ].join('\n'),
};

export const DISK_BYTES = 2 * 1024 ** 3;

/** Adds to a tree of lab/systemd what is needed here: the serial line's service, and what was built for it. */
export async function addPower(tree: string, output: string): Promise<void> {
  await copyFile(join(import.meta.dirname, 'guest.sh'), join(tree, 'opt/lab/power.sh'));
  for (const [name, text] of Object.entries(UNITS))
    await writeFile(join(tree, 'etc/systemd/system', name), `${text}\n`);
  // What lab/systemd does by itself would be in the way.
  const wants = join(tree, 'etc/systemd/system/multi-user.target.wants');
  await rm(join(wants, 'lab.service'));
  await symlink('/etc/systemd/system/lab-power.service', join(wants, 'lab-power.service'));
  // A login on the serial line would read what the lab says.
  await symlink('/dev/null', join(tree, 'etc/systemd/system/serial-getty@ttyS0.service'));
  await cp(output, join(tree, 'opt/lab/output'), { recursive: true });
  await build({
    entryPoints: [join(import.meta.dirname, 'install.ts')],
    outfile: join(tree, 'opt/lab/install.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.13',
    // Some packages are CommonJS.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

/** The tree as a disk's image. */
export async function makeImage(
  machine: Target,
  tree: string,
  image: string,
  signal: AbortSignal,
): Promise<void> {
  await mustRun(machine, ['truncate', '-s', String(DISK_BYTES), image]);
  // Nothing is left for the running kernel to initialize, so that each run writes the same.
  const whole = 'lazy_itable_init=0,lazy_journal_init=0';
  await mustRun(machine, ['mkfs.ext4', '-q', '-F', '-E', whole, '-d', tree, image], { signal });
}

/** A copy of an image with these writes done to it. */
export async function imageWith(
  machine: Target,
  base: string,
  image: string,
  writes: readonly Write[],
): Promise<void> {
  await mustRun(machine, ['cp', '--sparse=always', '--reflink=auto', base, image]);
  const file = await open(image, 'r+');
  try {
    for (const { offset, data } of writes) await file.write(data, 0, data.length, offset);
  } finally {
    await file.close();
  }
}

/** Kernel and initramfs as they are in an image. */
export interface BootFiles {
  readonly kernel: string;
  readonly initramfs: string;
}

/**
 * Reads them as a boot loader does: from the file system as it lies there, without replaying its journal. GRUB does the
 * same (grub-core/fs/ext2.c has no replay). Throws where there is none.
 */
export async function bootFiles(
  machine: Target,
  image: string,
  release: string,
  folder: string,
): Promise<BootFiles> {
  const files = { kernel: join(folder, 'vmlinuz'), initramfs: join(folder, 'initrd') };
  for (const [path, to] of [
    [`/boot/vmlinuz-${release}`, files.kernel],
    [`/boot/initrd.img-${release}`, files.initramfs],
  ] as const) {
    // -c: without the bitmaps, which may be wrong before the journal is replayed.
    await mustRun(machine, ['debugfs', '-c', '-R', `dump ${path} ${to}`, image]);
    const file = await open(to).catch(() => undefined);
    const size = (await file?.stat())?.size ?? 0;
    await file?.close();
    if (size === 0) throw new Error(`a boot loader finds no ${path}`);
  }
  return files;
}
