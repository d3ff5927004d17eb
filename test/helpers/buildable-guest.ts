import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeSmallTree } from './small-tree.ts';

export const RELEASE = '6.1.9-1-amd64';
const MODULES = `lib/modules/${RELEASE}`;
export const MODULE = `${MODULES}/kernel/drivers/message/fusion/mptscsih.ko`;
export const HEADERS = `usr/src/linux-headers-${RELEASE}`;

/** How headers that are as small as can be compile the one module; `hook` runs before, `$(M)` is the driver's folder. */
export function headersMakefile(hook = 'true'): string {
  return `VERSION = 6
PATCHLEVEL = 1
SUBLEVEL = 9
modules:
\t@${hook}
\tgcc -O2 -w -ffreestanding -fno-pic -DRELEASE='"${RELEASE}"' $(EXTRA) -I$(CURDIR)/include -c $(M)/mptscsih.c -o $(M)/mptscsih.ko
`;
}

/**
 * A guest's tree that is affected, of one kernel, and its kernel's source beside it: all that check, plan, build and
 * apply need, with headers of one Makefile instead of a distro's.
 */
export function buildableGuest(root: string, source: string): void {
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  writeSmallTree(source);
  put('etc/os-release', 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n');
  put('etc/hostname', 'guest\n');
  put('etc/fstab', '/dev/sda1 / ext4 errors=remount-ro 0 1\n');
  put(
    'var/lib/dpkg/status',
    `Package: linux-image-${RELEASE}\nStatus: install ok installed\nVersion: 6.1.9-1\nArchitecture: amd64\n\n`,
  );
  put(`${HEADERS}/Makefile`, headersMakefile());
  put(`${HEADERS}/.config`, 'CONFIG_FUSION=y\nCONFIG_FUSION_SPI=m\n');
  const exports = ['mptscsih_lookup', 'mptscsih_report_queue_full', 'printk'];
  put(
    `${HEADERS}/Module.symvers`,
    exports.map((name) => `0x00000000\t${name}\tvmlinux\tEXPORT_SYMBOL\t\n`).join(''),
  );
  put(`${HEADERS}/include/generated/utsrelease.h`, `#define UTS_RELEASE "${RELEASE}"\n`);
  put(`${MODULES}/modules.order`, 'kernel/drivers/message/fusion/mptscsih.ko\n');
  put(`${MODULES}/modules.builtin`, '');
  put('usr/bin/kmod', '');
  mkdirSync(join(root, 'boot'));
  mkdirSync(dirname(join(root, MODULE)), { recursive: true });
  for (const folder of ['tmp', 'run', 'dev', 'proc', 'sys'])
    mkdirSync(join(root, folder), { recursive: true });
  const driver = join(source, 'drivers/message/fusion');
  const built = join(driver, 'mptscsih.ko');
  execFileSync('make', ['-s', '-C', join(root, HEADERS), `M=${driver}`, 'modules'], { stdio: 'pipe' });
  execFileSync('strip', ['--strip-debug', built]);
  copyFileSync(built, join(root, MODULE));
  execFileSync('rm', [built]);
  execFileSync('depmod', ['-b', root, RELEASE], { stdio: 'pipe' });
}
