import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeSmallTree } from './small-tree.ts';

/** A kernel in the shape of a distro's. */
export interface RpmDistro {
  /** Of its packages. */
  readonly version: string;
  readonly release: string;
  /** As `uname -r` says. */
  readonly full: string;
  readonly osRelease: string;
  /** What the build folder's Makefile takes its rules from; its own where there is none. */
  readonly included?: string;
}

/** In the shape of RHEL 8. */
export const RED_HAT = {
  version: '4.18.0',
  release: '553.el8',
  full: '4.18.0-553.el8.x86_64',
  osRelease: 'ID="rhel"\nVERSION_ID="8.10"\nPRETTY_NAME="Red Hat Enterprise Linux 8.10 (Ootpa)"\n',
} as const satisfies RpmDistro;

/** In the shape of SLES 12, with packages that were built again. */
export const SUSE = {
  version: '4.12.14',
  release: '122.20.1',
  full: '4.12.14-122.20-default',
  osRelease: 'ID="sles"\nVERSION_ID="12.5"\nPRETTY_NAME="SUSE Linux Enterprise Server 12 SP5"\n',
  included: '/usr/src/linux-4.12.14-122.20',
} as const satisfies RpmDistro;
const DRIVER = 'drivers/message/fusion';

/** What the distro changes in the driver: without it the source does not give the guest's module. */
const VANILLA = 'enum { MPT_SCANDV_GOOD, MPT_SCANDV_SOME_ERROR };';
const DISTROS = 'enum { MPT_SCANDV_GOOD, MPT_SCANDV_SOME_ERROR = 7 };';
/** Where it shows in the code. */
const USE = 'int mptscsih_scandv(void) { return MPT_SCANDV_SOME_ERROR; }\n';

export interface RpmGuest {
  /** What the source RPM's tarball holds. */
  readonly vanilla: string;
  /** The patch of its spec, as a text. */
  readonly patch: string;
  /** The source as the distro builds it. */
  readonly patched: string;
  /** What the -devel package holds. */
  readonly headers: string;
}

/**
 * Makes a guest's tree of such a distro below `root`, affected and without build folder, and beside it below `work` what its
 * packages are made of. Its module was built from the patched source.
 */
export function rpmGuest(root: string, work: string, distro: RpmDistro): RpmGuest {
  const version = distro.version
    .split('.')
    .map((number, index) => `${['VERSION', 'PATCHLEVEL', 'SUBLEVEL'][index]} = ${number}\n`)
    .join('');
  const [vanilla, patched, headers] = ['vanilla', 'patched', 'headers'].map((name) => join(work, name)) as [
    string,
    string,
    string,
  ];
  writeSmallTree(vanilla);
  const makefile = join(vanilla, 'Makefile');
  writeFileSync(
    makefile,
    readFileSync(makefile, 'utf8').replace('VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 9\n', version),
  );
  const source = join(vanilla, DRIVER, 'mptscsih.c');
  writeFileSync(source, `${readFileSync(source, 'utf8')}${USE}`);
  cpSync(vanilla, patched, { recursive: true });
  const header = join(patched, DRIVER, 'mptscsih.h');
  writeFileSync(header, readFileSync(header, 'utf8').replace(VANILLA, DISTROS));
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  put(
    join(headers, 'Makefile'),
    `${distro.included === undefined ? version : `-include ${distro.included}/version.mk\n`}modules:\n\t@true\n\tgcc -O2 -w -ffreestanding -fno-pic -DRELEASE='"${distro.full}"' $(EXTRA) -I$(CURDIR)/include -c $(M)/mptscsih.c -o $(M)/mptscsih.ko\n`,
  );
  put(join(headers, '.config'), 'CONFIG_FUSION=y\nCONFIG_FUSION_SPI=m\n');
  const exports = ['mptscsih_lookup', 'mptscsih_report_queue_full', 'printk', 'nexus_lost'];
  put(
    join(headers, 'Module.symvers'),
    exports.map((name) => `0x00000000\t${name}\tvmlinux\tEXPORT_SYMBOL\t\n`).join(''),
  );
  put(join(headers, 'include/generated/utsrelease.h'), `#define UTS_RELEASE "${distro.full}"\n`);
  const modules = join(root, 'lib/modules', distro.full);
  const module = join(modules, 'kernel', DRIVER, 'mptscsih.ko');
  put(join(root, 'etc/os-release'), distro.osRelease);
  put(join(root, 'etc/fstab'), '/dev/sda1 / xfs defaults 0 0\n');
  put(join(modules, 'modules.order'), `kernel/${DRIVER}/mptscsih.ko\n`);
  put(join(modules, 'modules.builtin'), '');
  for (const folder of ['boot', 'tmp', 'run', 'dev', 'proc', 'sys', dirname(module).slice(root.length)])
    mkdirSync(join(root, folder), { recursive: true });
  const folder = join(patched, DRIVER);
  execFileSync('make', ['-s', '-C', headers, `M=${folder}`, 'modules'], { stdio: 'pipe' });
  execFileSync('strip', ['--strip-debug', join(folder, 'mptscsih.ko')]);
  copyFileSync(join(folder, 'mptscsih.ko'), module);
  rmSync(join(folder, 'mptscsih.ko'));
  execFileSync('depmod', ['-b', root, distro.full], { stdio: 'pipe' });
  return { vanilla, patched, headers, patch: diff(work) };
}

/** diff ends with 1 where there is a difference. */
function diff(work: string): string {
  return execFileSync('sh', ['-c', 'diff -ruN vanilla patched; test $? = 1'], { cwd: work }).toString();
}
