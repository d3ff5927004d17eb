import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleContent } from '../../src/bundle/content.ts';
import { readInstaller } from '../../src/bundle/installer.ts';
import { packBundle } from '../../src/bundle/pack.ts';
import { sha256 } from '../../src/hash.ts';
import { ARTIFACT } from '../faults/artifact.ts';
import { listing } from '../helpers/listing.ts';
import { driverOf, type Era, eraGuest, extensionOf } from '../initramfs/era-guest.ts';
import { sh } from '../machine/temporary.ts';

/*
 * A guest of an era that is the whole of what its shell sees: its PATH leads to tools of 2003 alone, without sha256sum,
 * openssl, flock, mktemp, stat, readlink, xz and whatever came later.
 */

export const TOOLS =
  'awk cat chgrp chmod chown cksum cmp cp cpio date dd df dirname find grep gzip head id ln ls mkdir mv od printf rm rmdir sed sort sync tail tar touch tr wc sleep'.split(
    ' ',
  );
/** A POSIX sh by its words; `busybox` brings its own tools with it. */
export const SHELLS: readonly (readonly [name: string, words: readonly string[]])[] = [
  ['dash', ['dash']],
  ['busybox sh', ['busybox', 'sh']],
  ['bash --posix', ['bash', '--posix']],
  ['mksh', ['mksh']],
  ['posh', ['posh']],
  ['yash', ['yash']],
];

export interface OldGuest {
  readonly root: string;
  readonly era: Era;
  readonly modulePath: string;
  readonly image: string;
  readonly content: BundleContent;
  /** Runs the bundle in the guest as its root. */
  readonly run: (...args: readonly string[]) => SpawnSyncReturns<string>;
  /** The whole tree but the state of mptfix. */
  readonly all: () => string[];
}

/** The programs themselves, and the libraries that they need. What is a link in the tree is replaced, never followed. */
export function copyPrograms(root: string, names: readonly string[]): void {
  sh(
    `root=$1; shift
     for name; do cp -L --remove-destination "$(which "$name")" "$root/bin/$name"; done
     cd "$root/bin"
     ldd "$@" 2>/dev/null | grep -o '/[^ ]* (' | tr -d ' (' | sort -u | while read -r file; do
       mkdir -p "$root\${file%/*}"; cp --remove-destination "$file" "$root$file"
     done`,
    root,
    ...names,
  );
}

export interface OldGuestOptions {
  /** Programs of the guest besides those of 2003. */
  readonly tools?: readonly string[];
  /** Whether a depmod would write another index for the new module. */
  readonly reindex?: boolean;
  readonly old?: Buffer;
  readonly bytes?: Buffer;
}

export async function oldGuest(
  era: Era,
  shell: readonly string[],
  options: OldGuestOptions = {},
): Promise<OldGuest> {
  const { old = Buffer.from(`old module ${'x'.repeat(5000)}`) } = options;
  const root = await eraGuest(era, old);
  const { release } = era;
  const name = driverOf(era);
  const modulePath = `/lib/modules/${release}/kernel/drivers/message/fusion/${name}.${extensionOf(era)}`;
  const image = `/boot/${era.image}`;
  const [program = ''] = shell;
  copyPrograms(root, [...TOOLS, program, ...(options.tools ?? [])]);
  if (program === 'busybox') putApplets(root);
  await mkdir(join(root, 'var/lib/initramfs-tools'), { recursive: true });
  writeFileSync(
    join(root, 'bin/uname'),
    `#!/bin/dash\ncase $1 in -r) echo ${release} ;; *) echo i686 ;; esac\n`,
  );
  await chmod(join(root, 'bin/uname'), 0o755);
  const { bytes = Buffer.from(`new module ${'y'.repeat(5001)}`) } = options;
  const content: BundleContent = {
    kernel: { release, base: '2.6.18', distro: era.name, packageVersion: null },
    architecture: 'i386',
    module: { name, path: modulePath, sha256: sha256(old) },
    bytes,
    artifact: ARTIFACT,
    reindex: options.reindex ?? false,
    tool: 'mptfix 0.0.0',
  };
  writeFileSync(join(root, 'bundle.run'), packBundle(content, await readInstaller()));
  writeFileSync(join(root, 'proc/mounts'), '/dev/sda2 / ext3 rw 0 0\n');
  sh('rm -f "$1/dev/null"; mknod -m 666 "$1/dev/null" c 1 3', root);
  makeImage(root, era);
  if (era.name.startsWith('SLES')) {
    const links = { vmlinuz: `vmlinuz-${release}`, initrd: era.image };
    for (const [link, to] of Object.entries(links)) sh('ln -s "$1" "$2"', to, join(root, 'boot', link));
  }
  const run = (...args: readonly string[]): SpawnSyncReturns<string> =>
    spawnSync('/usr/sbin/chroot', [root, ...shell, '/bundle.run', ...args], {
      encoding: 'utf8',
      env: { PATH: '/bin' },
    });
  const all = (): string[] =>
    listing(root, { without: ['var/lib/mptfix', 'proc', 'dev'] }).filter(
      (line) => !/^(var\/lib|var|tmp|tmp\/.test|var\/tmp|dev) /.test(line),
    );
  return { root, era, modulePath, image, content, run, all };
}

function putApplets(root: string): void {
  const applets = new Set(sh('busybox --list').split('\n'));
  const names = TOOLS.filter((tool) => applets.has(tool));
  sh('cd "$1/bin"; shift; for name; do ln -f busybox "$name"; done', root, ...names);
}

/** The image that the guest boots, made by its own tool. */
function makeImage(root: string, era: Era): void {
  const { release, image, program, name } = era;
  const words = name.startsWith('SLES')
    ? ['-k', `vmlinuz-${release}`, '-i', image, '-b', '/boot']
    : program.endsWith('mkinitramfs')
      ? ['-o', `/boot/${image}`, release]
      : program.endsWith('dracut')
        ? ['--force', `/boot/${image}`, release]
        : ['-f', `--with=${driverOf(era)}`, `/boot/${image}`, release];
  sh(
    'root=$1; shift; PATH=/bin:/usr/bin /usr/sbin/chroot "$root" "$@" >/dev/null',
    root,
    `/${program}`,
    ...words,
  );
}

/** Whether an image holds a module with this content. */
export async function imageHolds({ root, image, content }: OldGuest, bytes: Uint8Array): Promise<boolean> {
  const files = sh(
    `d=$(mktemp -d); cd "$d"; gzip -dc "$1" >image
     if dumpe2fs -h image >/dev/null 2>&1; then debugfs -R 'rdump / .' image 2>/dev/null; else cpio -id --quiet <image; fi
     find . -name "$2.*o" -exec cat {} +; rm -rf "$d"`,
    join(root, image),
    content.module.name,
  );
  return files.includes(Buffer.from(bytes).toString());
}

export async function text(guest: OldGuest, path: string): Promise<string> {
  return readFile(join(guest.root, path), 'utf8');
}
