import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildableGuest, HEADERS, MODULE, RELEASE } from '../../helpers/buildable-guest.ts';
import { json, mptfix, type RunSettings } from '../../helpers/cli.ts';
import { listing } from '../../helpers/listing.ts';
import { program } from '../../kernel-source/programs-of-i386.ts';
import { sh } from '../../machine/temporary.ts';

/** A guest that is affected, its source, and a folder for whatever else a case needs. */
interface Place {
  readonly root: string;
  readonly source: string;
  readonly work: string;
}

interface Situation {
  readonly code: string;
  readonly status: number;
  /** Spoils the guest or the source; may answer a list of options in place of --source. */
  readonly make: (place: Place) => unknown;
  readonly settings?: (place: Place) => RunSettings;
  /** What the error says, and what is to be done. */
  readonly says?: RegExp;
}

const DRIVER = 'drivers/message/fusion/mptscsih.c';
const IMAGE = `boot/initrd-${RELEASE}.img`;
const put = (path: string, text: string | Uint8Array): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};
const putTool = ({ root }: Place): void => {
  put(join(root, 'sbin/mkinitrd'), '#!/bin/sh\n');
  sh('chmod 755 "$1"', join(root, 'sbin/mkinitrd'));
};
const edit = (path: string, change: (text: string) => string): void =>
  writeFileSync(path, change(readFileSync(path, 'latin1')), 'latin1');

/** An initramfs with the driver in it, as Red Hat's mkinitrd names it. */
const packImage = ({ root }: Place): void =>
  void sh('cd "$1"; find "lib/modules/$2" | cpio -oHnewc --quiet | gzip -n > "$3"', root, RELEASE, IMAGE);

/** RHEL 3 and 4 boot from a packed ext2 file system. */
const packExt2 = ({ root, work }: Place): void =>
  void sh(
    'mkdir -p "$2/tree/lib"; cp "$1/$4" "$2/tree/lib/"; mke2fs -q -F -t ext2 -d "$2/tree" "$2/image" 4096; gzip -nc "$2/image" > "$1/$3"',
    root,
    work,
    IMAGE,
    MODULE,
  );

/** What a container does: a process has the tree for its root while the rest runs. */
const RUNS_IN_TREE = `perl -e 'chroot(shift) or die; sleep 60' "$0" & other=$!
trap "kill $other" EXIT
until [ "$(readlink /proc/$other/root)" = "$0" ]; do sleep 0.1; done
"$@"`;

const SITUATIONS: Readonly<Record<string, Situation>> = {
  'an initramfs that holds the driver, and no tool to rebuild it': {
    code: 'E_INITRAMFS_TOOL',
    status: 3,
    make: packImage,
  },
  'an initramfs of RHEL 3 and 4: ext2, packed by gzip': {
    code: 'E_INITRAMFS_TOOL',
    status: 3,
    says: /initrd-.*\.img holds mptscsih, and is an ext2 file system: mkinitrd .* loop device.*--no-initramfs, then run `mkinitrd -f/s,
    make: (place) => {
      packExt2(place);
      putTool(place);
    },
  },
  'a tool for the initramfs whose shell the tree does not have': {
    code: 'E_TOOLS_MISSING',
    status: 3,
    make: (place) => {
      packImage(place);
      putTool(place);
    },
  },
  'a tool for the initramfs of another processor': {
    code: 'E_ARCH_UNSUPPORTED',
    status: 3,
    make: (place) => {
      packImage(place);
      putTool(place);
      // As an ELF file of ppc64 begins.
      const head = Buffer.alloc(64);
      head.write('\u007fELF\u0002\u0002\u0001', 'latin1');
      head.writeUInt16BE(21, 18);
      put(join(place.root, 'sbin/mkinitrd'), head);
    },
  },
  'an initramfs that cannot be read': {
    code: 'E_INITRAMFS_TOOL',
    status: 3,
    make: ({ root }) => put(join(root, IMAGE), 'no image\n'.repeat(100)),
  },
  'no boot menu, and --boot-entry': {
    code: 'E_BOOT_ENTRY',
    status: 3,
    make: (place) => {
      packImage(place);
      putTool(place);
      return ['--source', place.source, '--boot-entry'];
    },
  },
  'a source that is not there': { code: 'E_SOURCE_MISSING', status: 3, make: () => ['--source', '/nowhere'] },
  'a source folder without the driver': {
    code: 'E_DRIVER_NOT_IN_SOURCE',
    status: 3,
    make: ({ source }) => rmSync(join(source, DRIVER)),
  },
  'a tarball without the driver': {
    code: 'E_DRIVER_NOT_IN_SOURCE',
    status: 3,
    make: ({ source, work }) => {
      rmSync(join(source, DRIVER));
      sh('tar -C "$1" -czf "$2/linux.tar.gz" --transform "s,^\\.,linux-6.1.9," .', source, work);
      return ['--source', join(work, 'linux.tar.gz')];
    },
  },
  'a tarball that is cut short': {
    code: 'E_ARCHIVE_TRUNCATED',
    status: 4,
    make: ({ source, work }) => {
      sh('tar -C "$1" -cz . | head -c 2000 > "$2/linux.tar.gz"', source, work);
      return ['--source', join(work, 'linux.tar.gz')];
    },
  },
  'a source that is no archive': {
    code: 'E_ARCHIVE_FORMAT',
    status: 4,
    make: ({ work }) => {
      put(join(work, 'text'), 'no archive\n'.repeat(100));
      return ['--source', join(work, 'text')];
    },
  },
  'a source of another version than the headers': {
    code: 'E_PROOF_VERSION',
    status: 7,
    make: ({ source }) =>
      edit(join(source, 'Makefile'), (text) => text.replace('SUBLEVEL = 9', 'SUBLEVEL = 8')),
  },
  'a source without the branch': {
    code: 'E_PATCH_NO_BRANCH',
    status: 5,
    make: ({ source }) =>
      edit(join(source, DRIVER), (text) =>
        text.replaceAll('MPI_SCSI_STATUS_BUSY', 'MPI_SCSI_STATUS_SUCCESS'),
      ),
  },
  'no source, and nothing may be fetched': { code: 'E_SOURCE_MISSING', status: 3, make: () => ['--offline'] },
  'headers that are not there': {
    code: 'E_HEADERS_MISSING',
    status: 3,
    make: ({ source }) => ['--source', source, '--headers', '/nowhere'],
  },
  'headers that are half a package': {
    code: 'E_HEADERS_MISSING',
    status: 3,
    make: ({ root }) => rmSync(join(root, HEADERS, 'Module.symvers')),
  },
  'headers that name a part that is not there': {
    code: 'E_HEADERS_MISSING',
    status: 3,
    make: ({ root }) =>
      put(join(root, HEADERS, 'Makefile'), 'include /usr/src/linux-headers-6.1.9-1-common/Makefile\n'),
  },
  'headers with a device among them': {
    code: 'E_FILE_UNSAFE',
    status: 3,
    make: ({ root }) => void sh('mknod "$1" c 1 5', join(root, HEADERS, 'zero')),
  },
  'headers of another kernel': {
    code: 'E_PROOF_VERSION',
    status: 7,
    make: ({ root }) =>
      put(join(root, HEADERS, 'include/generated/utsrelease.h'), '#define UTS_RELEASE "6.1.9-2-amd64"\n'),
  },
  'a module of an architecture that nothing can prove': {
    code: 'E_ARCH_UNSUPPORTED',
    status: 3,
    make: ({ root, source }) => {
      const module = readFileSync(join(root, MODULE));
      // e_machine of ia64: elf(5). Its machine code cannot be read: the table of kernels decides.
      module.writeUInt16LE(50, 18);
      writeFileSync(join(root, MODULE), module);
      sh('cd "$1/lib/modules"; mv "$2" 2.6.18-6-itanium', root, RELEASE);
      return ['--source', source, '--make-var', 'CROSS_COMPILE=ia64-linux-gnu-'];
    },
  },
  'headers whose own programs need a C library that is nowhere': {
    code: 'E_TOOLS_MISSING',
    status: 3,
    make: ({ root }) => put(join(root, HEADERS, 'scripts/basic/fixdep'), program),
  },
  'no headers, and nothing may be fetched': {
    code: 'E_HEADERS_MISSING',
    status: 3,
    make: ({ root, source }) => {
      rmSync(join(root, HEADERS), { recursive: true });
      return ['--source', source, '--offline'];
    },
  },
  'a compiler that is not installed': {
    code: 'E_TOOLS_MISSING',
    status: 3,
    make: ({ root }) =>
      put(
        join(root, HEADERS, '.config'),
        'CONFIG_CC_VERSION_TEXT="gcc-2.95 (GCC) 2.95.4"\nCONFIG_FUSION=y\n',
      ),
  },
  'the configuration of a whole tree that is not there': {
    code: 'E_CONFIG_MISSING',
    status: 3,
    make: ({ root, source }) => {
      rmSync(join(root, HEADERS), { recursive: true });
      return ['--source', source, '--whole-tree'];
    },
  },
  'the symbols of a whole tree that are not there': {
    code: 'E_HEADERS_MISSING',
    status: 3,
    make: ({ root, source, work }) => {
      rmSync(join(root, HEADERS), { recursive: true });
      put(join(work, 'config'), 'CONFIG_MODVERSIONS=y\n');
      return ['--source', source, '--whole-tree', '--config', join(work, 'config')];
    },
  },
  'a key that is not there': {
    code: 'E_SIGN',
    status: 6,
    make: ({ source }) => ['--source', source, '--sign-key', '/nowhere/k', '--sign-cert', '/nowhere/c'],
  },
  'a hash of signatures that nobody knows': {
    code: 'E_SIGN',
    status: 6,
    make: ({ root, source, work }) => {
      edit(join(root, HEADERS, '.config'), (text) => `${text}CONFIG_MODULE_SIG_HASH="rot13"\n`);
      for (const name of ['key', 'cert']) put(join(work, name), '');
      return ['--source', source, '--sign-key', join(work, 'key'), '--sign-cert', join(work, 'cert')];
    },
  },
  'a work folder that is not there': {
    code: 'E_NO_WORK_FOLDER',
    status: 3,
    make: ({ source }) => ['--source', source, '--work', '/nowhere'],
  },
  'a work folder that is a file': {
    code: 'E_NO_WORK_FOLDER',
    status: 3,
    make: ({ source, work }) => {
      put(join(work, 'file'), '');
      return ['--source', source, '--work', join(work, 'file')];
    },
  },
  'a work folder on a file system that is mounted read-only': {
    code: 'E_NO_WORK_FOLDER',
    status: 3,
    make: ({ source, work }) => {
      mkdirSync(join(work, 'ro'));
      return ['--source', source, '--work', join(work, 'ro')];
    },
    settings: ({ work }) => readOnly(join(work, 'ro')),
  },
  'a work folder that the compiling user cannot enter': {
    code: 'E_NO_WORK_FOLDER',
    status: 3,
    make: ({ source, work }) => {
      mkdirSync(join(work, 'closed'), { mode: 0o700 });
      return ['--source', source, '--work', join(work, 'closed')];
    },
  },
  'a tree that is mounted read-only': {
    code: 'E_READ_ONLY',
    status: 3,
    make: () => {},
    settings: ({ root }) => readOnly(root),
  },
  'a tree whose /lib is an absolute link': {
    code: 'E_TREE_ESCAPES',
    status: 3,
    make: ({ root }) => {
      sh('mkdir -p "$1/usr/lib"; mv "$1/lib/modules" "$1/usr/lib/"; rmdir "$1/lib"', root);
      symlinkSync('/usr/lib', join(root, 'lib'));
    },
  },
  'a tree in which a process runs': {
    code: 'E_TREE_IN_USE',
    status: 3,
    make: () => {},
    settings: ({ root }) => ({ prefix: ['sh', '-c', RUNS_IN_TREE, root] }),
  },
  'a package that is half installed': {
    code: 'E_PACKAGE_MANAGER',
    status: 3,
    make: ({ root }) =>
      edit(join(root, 'var/lib/dpkg/status'), (text) => text.replace('ok installed', 'ok half-configured')),
  },
  'a module tree without its index': {
    code: 'E_TREE_DAMAGED',
    status: 3,
    make: ({ root }) => rmSync(join(root, `lib/modules/${RELEASE}/modules.dep`)),
  },
  'an index in a form that the guest’s old modprobe cannot read': {
    code: 'E_INDEX',
    status: 3,
    make: ({ root }) => {
      put(join(root, 'sbin/modprobe'), '#!/bin/sh\n# module-init-tools version 3.2.2\n');
      sh('chmod 755 "$1"', join(root, 'sbin/modprobe'));
    },
  },
  'an index of two forms, and nothing that tells which tools the guest has': {
    code: 'E_INDEX',
    status: 3,
    make: ({ root }) => {
      rmSync(join(root, 'usr/bin/kmod'));
      edit(
        join(root, `lib/modules/${RELEASE}/modules.dep`),
        (text) => `${text}/lib/modules/${RELEASE}/kernel/a.ko:\n`,
      );
    },
  },
  'no kmod, and --placement updates': {
    code: 'E_PLACEMENT',
    status: 3,
    make: ({ root, source }) => {
      rmSync(join(root, 'usr/bin/kmod'));
      return ['--source', source, '--placement', 'updates'];
    },
  },
  'a state folder that others may write to': {
    code: 'E_STATE_UNSAFE',
    status: 3,
    make: ({ root }) => void sh('mkdir -m 777 "$1"', join(root, 'var/lib/mptfix')),
  },
  'a module that is no ELF file': {
    code: 'E_CANNOT_DECIDE',
    status: 11,
    make: ({ root }) => writeFileSync(join(root, MODULE), 'no module\n'),
  },
  'an unknown distro': {
    code: 'E_DISTRO_UNKNOWN',
    status: 3,
    make: ({ root }) => put(join(root, 'etc/os-release'), 'ID=plan9\nPRETTY_NAME="Plan 9"\n'),
  },
  'several kernels': {
    code: 'E_KERNEL_AMBIGUOUS',
    status: 2,
    make: ({ root }) => mkdirSync(join(root, 'lib/modules/5.10.0-1-amd64')),
  },
  'no kernel': {
    code: 'E_KERNEL_UNKNOWN',
    status: 3,
    make: ({ root }) => rmSync(join(root, 'lib'), { recursive: true }),
  },
  'a guest that is not there': {
    code: 'E_TARGET_MISSING',
    status: 3,
    make: ({ root }) => rmSync(root, { recursive: true }),
  },
};

/** The folder is read-only for whatever is run after this. */
function readOnly(folder: string): RunSettings {
  const script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"';
  return { prefix: ['unshare', '-m', 'sh', '-c', script, folder] };
}

let base = '';
beforeAll(() => {
  base = mkdtempSync('/var/tmp/mptfix-refusals-');
  sh('chmod 755 "$1"', base);
  buildableGuest(join(base, 'guest'), join(base, 'source'));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A copy of guest and source of its own. */
function place(): Place {
  const folder = mkdtempSync(join(base, 'case-'));
  sh('chmod 755 "$1"', folder);
  for (const name of ['guest', 'source']) cpSync(join(base, name), join(folder, name), { recursive: true });
  mkdirSync(join(folder, 'work'));
  return { root: join(folder, 'guest'), source: join(folder, 'source'), work: join(folder, 'work') };
}

const COMMANDS: readonly (readonly string[])[] = [
  ['plan'],
  ['apply', '--dry-run'],
  ['apply', '--yes', '--no-cache'],
];

describe('plan, a dry run and apply refuse the same, and write nothing:', () => {
  test.each(Object.entries(SITUATIONS))('%s', async (_, { code, status, make, settings, says = / / }) => {
    const at = place();
    const made = make(at);
    const words: readonly string[] = Array.isArray(made) ? made : ['--source', at.source];
    const set = settings?.(at) ?? {};
    const before = listing(dirname(at.root));
    for (const command of COMMANDS) {
      const run = await mptfix([...command, '--root', at.root, ...words, '--json'], set);
      const { error } = json(run);
      expect([command, error?.code, run.status]).toEqual([command, code, status]);
      expect(`${error.what}\n${error.next}`).toMatch(says);
      if (!command.includes('--yes')) expect(run.stderr).not.toMatch(/Fetch packages|Compile/);
      if (settings === undefined) expect(listing(dirname(at.root))).toEqual(before);
    }
  });

  test('and without any of it, all three do what they are asked for', async () => {
    const at = place();
    for (const command of COMMANDS) {
      const run = await mptfix([...command, '--root', at.root, '--source', at.source, '--json']);
      expect([command, run.status]).toEqual([command, 0]);
    }
  });
});
