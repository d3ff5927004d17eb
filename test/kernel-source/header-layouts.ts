import type { Entries } from '../machine/temporary.ts';

const VERSION = 'VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 9\nEXTRAVERSION =\n';

export const DEBIAN_BUILD = '/usr/src/linux-headers-6.1.0-9-amd64';
/** As Debian 12 packs it: a forwarding Makefile with absolute paths, and relative links to linux-kbuild. */
export const DEBIAN: Entries = {
  'lib/modules/6.1.0-9-amd64/build': { link: DEBIAN_BUILD },
  'usr/src/linux-headers-6.1.0-9-amd64/Makefile': `MAKEARGS = O=${DEBIAN_BUILD}
include /usr/src/linux-headers-6.1.0-9-common/Makefile
tools:
\t@ls /usr/lib/linux-kbuild-6.1/tools
`,
  'usr/src/linux-headers-6.1.0-9-amd64/.config': 'CONFIG_CC_VERSION_TEXT="gcc-12 (Debian) 12.2.0"\n',
  'usr/src/linux-headers-6.1.0-9-amd64/Module.symvers': '0x1\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n',
  'usr/src/linux-headers-6.1.0-9-amd64/include/generated/utsrelease.h':
    '#define UTS_RELEASE "6.1.0-9-amd64"\n',
  'usr/src/linux-headers-6.1.0-9-amd64/scripts': { link: '../../lib/linux-kbuild-6.1/scripts' },
  'usr/src/linux-headers-6.1.0-9-amd64/tools': { link: '/usr/lib/linux-kbuild-6.1/tools' },
  'usr/src/linux-headers-6.1.0-9-common/Makefile': VERSION,
  'usr/src/linux-headers-6.1.0-9-common/scripts': { link: '../../lib/linux-kbuild-6.1/scripts' },
  'usr/lib/linux-kbuild-6.1/scripts/basic': 'a script\n',
  'usr/lib/linux-kbuild-6.1/tools/objtool': 'a tool\n',
};

export const UBUNTU_BUILD = '/usr/src/linux-headers-5.4.0-42-generic';
/** As Ubuntu 20.04 packs it: links to a folder whose name is a prefix of the build folder's own. */
export const UBUNTU: Entries = {
  'usr/src/linux-headers-5.4.0-42-generic/Makefile': { link: '../linux-headers-5.4.0-42/Makefile' },
  'usr/src/linux-headers-5.4.0-42-generic/arch': { link: '/usr/src/linux-headers-5.4.0-42/arch' },
  'usr/src/linux-headers-5.4.0-42-generic/scripts/mod': 'modpost\n',
  'usr/src/linux-headers-5.4.0-42-generic/.config': 'CONFIG_X86=y\n',
  'usr/src/linux-headers-5.4.0-42-generic/Module.symvers': '',
  'usr/src/linux-headers-5.4.0-42-generic/own': {
    link: '/usr/src/linux-headers-5.4.0-42-generic/scripts/mod',
  },
  'usr/src/linux-headers-5.4.0-42-generic/include/generated/utsrelease.h':
    '#define UTS_RELEASE "5.4.0-42-generic"\n',
  'usr/src/linux-headers-5.4.0-42/Makefile': `VERSION = 5\nPATCHLEVEL = 4\nSUBLEVEL = 44\n${'# long\n'.repeat(1000)}`,
  'usr/src/linux-headers-5.4.0-42/arch/Kconfig': 'a Kconfig\n',
};
