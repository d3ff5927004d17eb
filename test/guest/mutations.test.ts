import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFailure } from '../../src/errors.ts';
import { detectDistro } from '../../src/guest/distro.ts';
import { installedVersion, unfinishedPackages } from '../../src/guest/dpkg-status.ts';
import { parseFstab } from '../../src/guest/fstab.ts';
import { modulePaths } from '../../src/guest/module-file.ts';
import { readMounts } from '../../src/guest/mounts.ts';
import { changesOf, mutated } from '../helpers/mutated.ts';

const RELEASE = '6.1.0-9-amd64';
const PIECES = [
  '\n',
  '\r',
  ' ',
  '\t',
  '\\040',
  '/',
  '..',
  ':',
  '=',
  '"',
  "'",
  '-',
  '\u001b[',
  '\0',
  '#',
  'é',
];

/** Texts as a sound guest has them, and what reads each. */
const TEXTS = [
  {
    text: 'UUID=1-2 / ext3 errors=remount-ro 0 1\nLABEL="a b" /x\\040y ext4 defaults,ro 0 2\n',
    read: (text: string) => parseFstab(text).map(({ mountPoint, pass }) => [mountPoint, pass]),
  },
  {
    text: '36 35 98:0 / / rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n37 36 0:3 / /proc rw - proc proc rw\n',
    read: (text: string) => readMounts({ readText: async () => text }),
  },
  {
    text: `Package: linux-image-${RELEASE}\nStatus: install ok installed\nVersion: 6.1.1-1\n\nPackage: kmod\nStatus: install ok unpacked\n\n`,
    read: async (text: string) => [
      installedVersion(text, [`linux-image-${RELEASE}`]),
      await unfinishedPackages({ readText: async () => text, list: async () => [] }, RELEASE),
    ],
  },
  {
    text: 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
    read: (text: string) => detectDistro({ '/etc/os-release': text }),
  },
  {
    text: 'kernel/drivers/message/fusion/mptscsih.ko: kernel/drivers/message/fusion/mptbase.ko\n',
    read: (text: string) => {
      const paths = modulePaths(text, RELEASE, 'mptscsih');
      expect(paths.filter((path) => !path.startsWith(`/lib/modules/${RELEASE}/`))).toEqual([]);
      return paths;
    },
  },
];

test('a guest’s file that is changed anywhere is read, or refused by a failure of ours', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...TEXTS), changesOf(PIECES), async ({ text, read }, changes) => {
      try {
        expect(await read(mutated(text, changes))).toBeDefined();
      } catch (error) {
        if (!isFailure(error)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
