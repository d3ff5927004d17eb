import { expect, test } from 'vitest';
import { installText } from '../../src/machine/installers.ts';
import { TOOLS } from '../../src/machine/tools.ts';

const { make, xz, bubblewrap, aptGet } = TOOLS;
const LIBRARY = { name: '/lib/ld-linux.so.2', package: 'libc6:i386' };
const COMPILER = { name: 'gcc-12', package: 'gcc-12' };

test.each([
  ['ID=debian\nVERSION_ID="12"', [make, xz], '`apt-get install --yes make xz-utils`'],
  ['NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"', [COMPILER], '`apt-get install --yes gcc-12`'],
  ['ID="rocky"\nID_LIKE="rhel centos fedora"', [make, xz], '`dnf install -y make xz`'],
  ['ID=fedora', [make, COMPILER], '`dnf install -y make`; install on this machine gcc-12'],
  [
    'ID="opensuse-leap"\nID_LIKE="suse opensuse"',
    [bubblewrap, aptGet],
    '`zypper install -y bubblewrap`; install on this machine apt-get',
  ],
  ['ID="opensuse-tumbleweed"', [xz], '`zypper install -y xz`'],
  ['ID=arch', [xz], '`pacman -S --needed xz`'],
  ['ID=alpine', [bubblewrap, xz], '`apk add bubblewrap xz`'],
  [
    'ID=ubuntu',
    [LIBRARY],
    '`dpkg --add-architecture i386`; `apt-get update`; `apt-get install --yes libc6:i386`',
  ],
  ['ID=fedora', [LIBRARY], '`dnf install -y glibc.i686`'],
  ['ID=sles', [LIBRARY], '`zypper install -y glibc-32bit`'],
  ['ID=alpine', [LIBRARY], 'install on this machine /lib/ld-linux.so.2'],
  ['ID=nixos', [make, xz], 'install on this machine make, xz'],
  ['', [xz], 'install on this machine xz'],
])('on a machine with %j %j come by its own packages', (osRelease, tools, text) => {
  expect(installText(tools, osRelease)).toBe(text);
});
