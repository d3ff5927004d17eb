import fc from 'fast-check';
import { expect, test } from 'vitest';
import { remountCommand } from '../src/filesystems/remount.ts';
import { installedVersion } from '../src/guest/dpkg-status.ts';
import { modulePaths } from '../src/guest/module-file.ts';
import { buildInitramfs } from '../src/initramfs/build.ts';
import { INITRAMFS_TOOLS } from '../src/initramfs/tools.ts';
import { runDepmod } from '../src/install/depmod.ts';
import { headerDependencies } from '../src/kernel-source/apt/packages.ts';
import type { Target } from '../src/machine/port.ts';
import type { Argv } from '../src/machine/program.ts';
import { rootTarget } from '../src/machine/tree.ts';
import { temporary } from './machine/temporary.ts';

/** What a tree may say in place of a name: an option, a way upwards, several words, none. */
const hostile = fc.oneof(
  fc.constantFrom(
    '-f',
    '--',
    '-',
    '--outdir=/host',
    '6.1/../../host',
    '../host',
    '/host',
    '6.1 -f',
    '6.1\n-f',
    '',
    '6.1..',
  ),
  fc.tuple(fc.constantFrom('-', '--', '/', '../', ' '), fc.string()).map((parts) => parts.join('')),
);

/** Answers every argument vector that a call hands to the port; nothing runs. */
async function vectorsOf(root: string, call: (target: Target) => Promise<unknown>): Promise<readonly Argv[]> {
  const seen: Argv[] = [];
  const target: Target = {
    ...rootTarget(root, { dryRun: false }),
    run: async (argv) => {
      seen.push(argv);
      return { status: 0, stdout: Buffer.alloc(0), stderr: '' };
    },
  };
  await call(target).catch(() => undefined);
  return seen;
}

test('a hostile release reaches neither depmod nor an initramfs tool', async () => {
  const root = await temporary({ 'tmp/x': '' });
  await fc.assert(
    fc.asyncProperty(hostile, async (release) => {
      expect(await vectorsOf(root, (target) => runDepmod(target, release))).toEqual([]);
      for (const tool of INITRAMFS_TOOLS) {
        const job = { release, tool, output: '/boot/x', temporaryFolder: '/tmp' };
        expect(await vectorsOf(root, (target) => buildInitramfs(target, job))).toEqual([]);
      }
    }),
    { numRuns: 200 },
  );
});

test('a file of an image that has no module’s name is no word of an initramfs tool', async () => {
  const root = await temporary({ 'tmp/x': '' });
  await fc.assert(
    fc.asyncProperty(hostile, async (name) => {
      for (const tool of INITRAMFS_TOOLS) {
        const job = { release: '6.1.0-9-amd64', tool, output: '/boot/x', temporaryFolder: '/tmp' };
        const vectors = (modules: readonly string[]) =>
          vectorsOf(root, (target) => buildInitramfs(target, { ...job, modules }));
        const [plain] = await vectors(['sd_mod']);
        // As if the name was not there.
        expect([await vectors(['sd_mod', name]), plain?.[0]]).toEqual([[plain], tool.program]);
      }
    }),
    { numRuns: 200 },
  );
});

test('device and mount point come after the end of the options', () => {
  fc.assert(
    fc.property(hostile, hostile, hostile, (device, mountPoint, option) => {
      const mount = {
        device: '8:1',
        root: '/',
        source: device,
        mountPoint,
        fsType: 'ext4',
        mountOptions: [option],
        superOptions: [option],
      };
      const argv = remountCommand(mount, device, ['ro']);
      const end = argv.indexOf('--');
      expect([argv.slice(0, end), argv.slice(end + 1)]).toEqual([
        ['mount', '-n', '-t', 'ext4', '-o', 'remount,ro'],
        [device, mountPoint],
      ]);
    }),
  );
});

test('names and versions of packages are such, and a module’s file is in the folder of its kernel', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      for (const { name, exactly = '1' } of headerDependencies(
        `linux-headers-x${text} (= ${text}), linux-kbuild-6.1 (= ${text})`,
      )) {
        expect(name).toMatch(/^linux-(headers|kbuild)-[a-z0-9+.-]*$/);
        expect(exactly).toMatch(/^[A-Za-z0-9][A-Za-z0-9.+:~^_-]*$/);
      }
      const status = `Package: kmod\nStatus: install ok installed\nVersion: ${text}\n`;
      expect(installedVersion(status, ['kmod']) ?? '1').toMatch(/^[A-Za-z0-9]/);
      for (const path of modulePaths(
        `${text}/mptscsih.ko:\n/lib/modules/6.1/${text}/mptscsih.ko:\n`,
        '6.1',
        'mptscsih',
      ))
        expect(path).toMatch(/^\/lib\/modules\/6\.1\/(?!.*\/\.{0,2}\/)/);
    }),
    { numRuns: 500 },
  );
});
