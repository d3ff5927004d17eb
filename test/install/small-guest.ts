import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Installation, install } from '../../src/install/install.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Target } from '../../src/machine/port.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';
import { ARTIFACT } from '../faults/artifact.ts';
import { listing } from '../helpers/listing.ts';
import { sh, temporary } from '../machine/temporary.ts';

export const RELEASE = '6.1.0-9-amd64';
export const MODULES = `/lib/modules/${RELEASE}`;
export const FUSION = `${MODULES}/kernel/drivers/message/fusion`;
export const MODULE = `${FUSION}/mptscsih.ko`;

export interface SmallGuest {
  readonly root: string;
  readonly target: Target;
  /** A line for each file of the module tree, as `listing` has them. */
  modules(): string[];
  /** The whole tree but mptfix's own state, and the time of the folder that the state is in. */
  all(): string[];
}

/** Compiles a module that depmod takes for one; `variant` makes its bytes differ, and what the index holds of it. */
function compileModule(file: string, name: string, variant: number, imports = ''): void {
  sh(
    `printf '%s\\n' "$2" > "$1.c"; gcc -c -x c "$1.c" -o "$1"; rm "$1.c"`,
    file,
    `static const char name[] __attribute__((section(".modinfo"), used)) = "name=${name}";
     static const char license[] __attribute__((section(".modinfo"), used)) = "license=GPL";
     static const char alias[] __attribute__((section(".modinfo"), used)) = "alias=variant-${variant}";
     __asm__(".globl __crc_${name}_version\\n.set __crc_${name}_version, ${variant}");
     ${imports === '' ? '' : `extern int ${imports}(void);`}
     int ${name}_version(void) { return ${variant}${imports === '' ? '' : ` + ${imports}()`}; }`,
  );
}

/** A guest's tree with two modules and their index, made by real tools. The driver's file has marks of its own. */
export async function smallGuest(): Promise<SmallGuest> {
  const root = await temporary({
    'var/lib/dpkg/status': '',
    [`${FUSION}/Makefile`]: '',
    [`${MODULES}/modules.order`]: 'kernel/drivers/message/fusion/mptbase.ko\n',
    [`${MODULES}/modules.builtin`]: '',
  });
  compileModule(join(root, FUSION, 'mptbase.ko'), 'mptbase', 1);
  compileModule(join(root, MODULE), 'mptscsih', 1, 'mptbase_version');
  sh(
    'depmod -b "$1" "$2"; chown 123:456 "$1/$3"; chmod 0640 "$1/$3"; setfattr -n user.origin -v distro "$1/$3"; touch -d @1234567890.123456789 "$1/$3"',
    root,
    RELEASE,
    MODULE,
  );
  sh('touch -d @1300000000.000000001 "$1" "$2"', join(root, FUSION), join(root, MODULES));
  const attributes = (): string => sh('getfattr -R -P -d "$1" 2>/dev/null || true', join(root, 'lib'));
  return {
    root,
    target: rootTarget(root, { dryRun: false }),
    modules: () => [...listing(join(root, 'lib')), attributes()],
    all: () => [
      ...listing(root, { without: ['var/lib/mptfix'] }).filter((line) => !line.startsWith('var/lib ')),
      attributes(),
    ],
  };
}

/** Adds another module to the guest, as a package of somebody else would. */
export function addModule(guest: SmallGuest, path: string, name: string): void {
  sh('mkdir -p "$(dirname "$1")"', join(guest.root, path));
  compileModule(join(guest.root, path), name, 7);
  sh('depmod -b "$1" "$2"', guest.root, RELEASE);
}

/** What an installation of a changed module is, as the flow would make it. */
export async function installationOf(guest: SmallGuest, variant = 2): Promise<Installation> {
  const folder = await temporary();
  compileModule(join(folder, 'new.ko'), 'mptscsih', variant, 'mptbase_version');
  return {
    kernel: { release: RELEASE, base: '6.1.9', distro: 'Debian 12', packageVersion: '6.1.9-1' },
    module: { name: 'mptscsih', path: MODULE, sha256: await guest.target.hash(MODULE, LIMITS.moduleBytes) },
    bytes: readFileSync(join(folder, 'new.ko')),
    placement: 'in-place',
    images: [],
    bootEntry: false,
    progress: silentProgress,
    artifact: ARTIFACT,
    buildLog: 'what make said\n',
    tool: 'mptfix test',
    warnings: [],
  };
}

export async function installed(guest: SmallGuest, variant = 2) {
  return install(guest.target, await installationOf(guest, variant));
}
