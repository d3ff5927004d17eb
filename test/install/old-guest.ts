import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Installation } from '../../src/install/install.ts';
import { put, sh } from '../machine/temporary.ts';
import {
  FUSION,
  installationOf,
  MODULE,
  MODULES,
  RELEASE,
  type SmallGuest,
  smallGuest,
} from './small-guest.ts';

/** A kernel, and the tools that it came with. */
interface Era {
  readonly release: string;
  readonly base: string;
  readonly distro: string;
  readonly suffix: '.ko' | '.o';
}

/** In the shape of Red Hat Enterprise Linux 5 and 3: module-init-tools 3.3, and modutils 2.4. */
const ERAS = {
  'module-init-tools': { release: '2.6.18-8.el5', base: '2.6.18', distro: 'Red Hat 5', suffix: '.ko' },
  modutils: { release: '2.4.21-47.ELsmp', base: '2.4.21', distro: 'Red Hat 3', suffix: '.o' },
} as const satisfies Record<string, Era>;

export interface OldGuest extends SmallGuest {
  readonly release: string;
  /** The module folder of its kernel. */
  readonly folder: string;
  readonly module: string;
  /** Reads a file of the module folder. */
  read(name: string): string;
  /** A new module; with `other`, one for which the index must be rebuilt. */
  installation(change: 'same' | 'other'): Promise<Installation>;
}

/** The small guest with its modules and index as that era had them. It has no tools of its own yet. */
export async function oldGuest(era: keyof typeof ERAS): Promise<OldGuest> {
  const guest = await smallGuest();
  const { root } = guest;
  const { release, base, distro, suffix } = ERAS[era];
  const wanted = { same: await installationOf(guest, 1), other: await installationOf(guest, 2) };
  const rename = (path: string): string => path.replace(RELEASE, release).replace(/\.ko$/, suffix);
  const folder = rename(MODULES);
  sh('mv "$1" "$2"; rm "$2"/modules.*', join(root, MODULES), join(root, folder));
  const names = ['mptbase', 'mptscsih'].map((name) => `${FUSION.replace(RELEASE, release)}/${name}`);
  for (const name of names) if (suffix !== '.ko') sh('mv "$1.ko" "$1$2"', join(root, name), suffix);
  const [mptbase, mptscsih] = names.map((name) => `${name}${suffix}`);
  const text =
    suffix === '.ko'
      ? `${mptscsih}: ${mptbase}\n${mptbase}:\n`
      : `${mptscsih}:\t${mptbase}\n\n${mptbase}:\n\n`;
  await put(root, { [`${folder}/modules.dep`]: text, [`${folder}/modules.alias`]: '# none\n' });
  sh(
    'touch -d @1300000000 "$1"/modules.* "$1"; touch -d @1300000000.5 "$1/kernel/drivers/message/fusion"',
    join(root, folder),
  );
  return {
    ...guest,
    release,
    folder,
    module: rename(MODULE),
    read: (name) => readFileSync(join(root, folder, name), 'utf8'),
    installation: async (change) => ({
      ...wanted[change],
      kernel: { release, base, distro, packageVersion: null },
      module: { ...wanted[change].module, path: rename(MODULE) },
      // Even where the index needs no change, the file is another.
      bytes: Buffer.concat([wanted[change].bytes, Buffer.from('another')]),
    }),
  };
}

/** The text by which such a program tells its version. */
const VERSION = 'module-init-tools version 3.3-pre2';

/** Reads modules.dep as modprobe before 3.5 does: whole names, opened as they stand. */
const MODPROBE = `#!/bin/sh
# ${VERSION}
while [ $# -gt 1 ]; do case $1 in --set-version) release=$2; shift 2;; *) shift;; esac; done
while read -r file needs; do
  case $file in */$1.ko:) ;; *) continue;; esac
  for one in $needs "\${file%:}"; do
    [ -f "$one" ] || { echo "FATAL: Could not open '$one': No such file or directory" >&2; exit 1; }
    echo "insmod $one "
  done
  exit 0
done < "/lib/modules/$release/modules.dep"
echo "FATAL: Module $1 not found." >&2
exit 1
`;

/** Real depmod's index with the names as depmod before 3.5 writes them, and no binary files. */
const DEPMOD = `#!/bin/sh
set -e
base=
[ "$1" != -b ] || { base=$2; shift 2; }
cd "$base/lib/modules/$1"
/opt/depmod \${base:+-b "$base"} "$1"
sed -i "s,^kernel/,/lib/modules/$1/kernel/,; s, kernel/, /lib/modules/$1/kernel/,g" modules.dep
rm -f modules.*.bin modules.softdep modules.devname modules.weakdep
`;

/** Gives a guest depmod and modprobe of its own, with a shell and all that these need to run in it. */
export async function putOldTools({ root }: SmallGuest): Promise<void> {
  await put(root, { 'sbin/depmod': DEPMOD, 'sbin/modprobe': MODPROBE });
  for (const name of ['depmod', 'modprobe']) chmodSync(join(root, 'sbin', name), 0o755);
  sh(
    `cd "$1"; mkdir -p bin usr/bin opt proc dev sys tmp run
for name in sh sed rm ln; do cp "$(readlink -f "$(command -v $name)")" "bin/$name"; done
cp "$(readlink -f "$(command -v depmod)")" opt/depmod
for library in $(ldd bin/* opt/depmod | sed -n 's,^[^/]*\\(/[^ ]*\\) (.*,\\1,p' | sort -u); do
  mkdir -p ".$(dirname "$library")"; cp "$library" ".$library"
done`,
    root,
  );
  if (!existsSync(join(root, 'opt/depmod'))) throw new Error('no depmod');
}

/** Puts a program in the place of one of the guest's that tells the same version and does not run here. */
export function makeForeign({ root }: SmallGuest, path: string): void {
  const header = Buffer.alloc(64);
  // An ELF program of 64 bits for a processor that is not this machine's (s390).
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 2, 1]);
  header.set([0, 2, 0, 22], 16);
  writeFileSync(join(root, path), Buffer.concat([header, Buffer.from(`\0${VERSION}\0`)]));
}
