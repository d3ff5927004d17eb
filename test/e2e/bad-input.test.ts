import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { json, mptfix, type RunSettings } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { modulePath, type SlimGuest, slimGuest } from '../helpers/slim-guest.ts';

const fixture = inject('fixture');
const { release, source } = fixture;
let work = '';

beforeAll(() => {
  work = mkdtempSync(join(dirname(fixture.guest), 'bad-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Case {
  readonly name: string;
  readonly status: number;
  readonly code: string;
  /** What the message must name. */
  readonly says: RegExp;
  /** Spoils the guest. */
  readonly guest?: (guest: SlimGuest) => void;
  /** Makes the bad source, headers or other options; answers the arguments beside --root. */
  readonly args?: (guest: SlimGuest) => string[];
  readonly settings?: (guest: SlimGuest) => RunSettings;
  /** Whether --yes is given; default true. */
  readonly agreed?: boolean;
}

/** A copy of the affected source that may be spoiled. */
function sourceCopy(name: string): string {
  const folder = join(work, name);
  cpSync(source, folder, { recursive: true });
  return folder;
}

function tarOf(folder: string, name: string, ...options: string[]): string {
  const path = join(work, name);
  execFileSync('tar', ['-C', folder, ...options, '-cf', path, '.']);
  return path;
}

/** The good source as a tarball, with one hostile entry that no honest tar writes. */
function hostileTar(name: string, ...transform: string[]): string {
  const good = tarOf(source, `${name}.tar`, '--transform=s,^\\.,linux-6.1,');
  const folder = join(work, `${name}-evil`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'evil'), 'evil');
  symlinkSync('../../../../etc/passwd', join(folder, 'out'));
  symlinkSync('/etc/passwd', join(folder, 'absolute'));
  execFileSync('tar', ['-C', folder, '-P', '-rf', good, ...transform]);
  return good;
}

const cases: readonly Case[] = [
  {
    name: 'a user who is not root',
    status: 3,
    code: 'E_NOT_ROOT',
    says: /sudo/,
    settings: () => ({ uid: 65534, gid: 65534, bin: publicBin() }),
    guest: (guest) => execFileSync('chmod', ['755', dirname(guest.root)]),
  },
  {
    name: 'an unknown distro',
    status: 3,
    code: 'E_DISTRO_UNKNOWN',
    says: /Plan 9.*--headers/s,
    guest: (guest) => guest.put('etc/os-release', 'ID=plan9\nPRETTY_NAME="Plan 9"\n'),
  },
  {
    name: 'no headers, and nothing may be fetched',
    status: 3,
    code: 'E_HEADERS_MISSING',
    says: new RegExp(`linux-headers-${release}`),
    guest: (guest) => guest.remove('usr/src'),
    args: () => ['--source', source, '--offline'],
  },
  {
    name: 'headers without the package that they are split into',
    status: 3,
    code: 'E_HEADERS_MISSING',
    says: /common/,
    guest: (guest) => {
      for (const name of execFileSync('ls', [guest.at('usr/src')])
        .toString()
        .split('\n')) {
        if (name.endsWith('-common')) guest.remove(`usr/src/${name}`);
      }
    },
  },
  {
    name: 'a --headers folder that is not there',
    status: 3,
    code: 'E_HEADERS_MISSING',
    says: /nowhere/,
    args: () => ['--source', source, '--headers', '/nowhere'],
  },
  {
    name: 'source and headers of different versions',
    status: 7,
    code: 'E_PROOF_VERSION',
    says: /source 6\.0\.1, headers/,
    args: () => {
      const folder = sourceCopy('other-version');
      const makefile = join(folder, 'Makefile');
      writeFileSync(makefile, 'VERSION = 6\nPATCHLEVEL = 0\nSUBLEVEL = 1\nEXTRAVERSION =\n');
      return ['--source', folder];
    },
  },
  {
    name: 'headers of another kernel',
    status: 7,
    code: 'E_PROOF_VERSION',
    says: /6\.1\.0-1-other/,
    guest: (guest) => {
      guest.put(
        `usr/src/linux-headers-${release}/include/generated/utsrelease.h`,
        '#define UTS_RELEASE "6.1.0-1-other"\n',
      );
    },
  },
  {
    name: 'a truncated .tar.gz',
    status: 4,
    code: 'E_ARCHIVE_TRUNCATED',
    says: /cut short/,
    args: () => {
      const path = tarOf(source, 'cut.tar.gz', '-z');
      writeFileSync(path, readFileSync(path).subarray(0, 100_000));
      return ['--source', path];
    },
  },
  {
    name: 'a truncated .tar.xz of the distro’s own',
    status: 4,
    code: 'E_ARCHIVE_TRUNCATED',
    says: /end is missing/,
    args: () => {
      const path = join(work, 'cut.tar.xz');
      writeFileSync(path, readFileSync(fixture.tarball).subarray(0, 90_000_000));
      return ['--source', path];
    },
  },
  {
    name: 'a tarball with a name that climbs out',
    status: 4,
    code: 'E_ARCHIVE_UNSAFE',
    says: /\.\.\/evil/,
    args: () => ['--source', hostileTar('climbs', '--transform=s,^evil,../evil,', 'evil')],
  },
  {
    name: 'a tarball with an absolute name',
    status: 4,
    code: 'E_ARCHIVE_UNSAFE',
    says: /absolute name/,
    args: () => ['--source', hostileTar('absolute', '--transform=s,^evil,/tmp/evil,', 'evil')],
  },
  {
    name: 'a tarball with a symbolic link out of it',
    status: 4,
    code: 'E_ARCHIVE_UNSAFE',
    says: /symbolic link/,
    args: () => ['--source', hostileTar('link', 'out')],
  },
  {
    name: 'a tarball with an absolute symbolic link',
    status: 4,
    code: 'E_ARCHIVE_UNSAFE',
    says: /symbolic link/,
    args: () => ['--source', hostileTar('abslink', 'absolute')],
  },
  {
    name: 'a file that is no archive',
    status: 4,
    code: 'E_ARCHIVE_FORMAT',
    says: /not a tar archive/,
    args: () => {
      const path = join(work, 'text');
      writeFileSync(path, 'no archive at all\n'.repeat(100));
      return ['--source', path];
    },
  },
  {
    name: 'a source that is not there',
    status: 3,
    code: 'E_SOURCE_MISSING',
    says: /nowhere/,
    args: () => ['--source', '/nowhere'],
  },
  {
    name: 'a source without the driver',
    status: 3,
    code: 'E_DRIVER_NOT_IN_SOURCE',
    says: /holds no drivers\/message\/fusion\/mptscsih\.c/,
    args: () => {
      const folder = sourceCopy('no-driver');
      rmSync(join(folder, 'drivers/message/fusion/mptscsih.c'));
      return ['--source', folder];
    },
  },
  {
    name: 'a source whose branch is gone, for a module that has it',
    status: 5,
    code: 'E_PATCH_NO_BRANCH',
    says: /not what the module was built from/,
    args: () => ['--source', fixture.tarball],
  },
  {
    name: 'a source that does not compile',
    status: 6,
    code: 'E_BUILD',
    says: /does_not_exist\.h/,
    args: () => {
      const folder = sourceCopy('broken');
      const file = join(folder, 'drivers/message/fusion/mptscsih.c');
      writeFileSync(file, `#include "does_not_exist.h"\n${readFileSync(file, 'latin1')}`, 'latin1');
      return ['--source', folder];
    },
  },
  {
    name: 'a kernel without the module',
    status: 3,
    code: 'E_MODULE_MISSING',
    says: new RegExp(release),
    guest: (guest) => guest.remove(modulePath(release)),
  },
  {
    name: 'a kernel that is not there',
    status: 3,
    code: 'E_MODULE_MISSING',
    says: /6\.1\.0-999-amd64/,
    args: () => ['--source', source, '--kernel', '6.1.0-999-amd64'],
  },
  {
    name: 'a hostile kernel release',
    status: 3,
    code: 'E_KERNEL_UNKNOWN',
    says: /not a kernel release/,
    args: () => ['--source', source, '--kernel', '../../../etc'],
  },
  {
    name: 'a tree with two kernels and no --kernel',
    status: 2,
    code: 'E_KERNEL_AMBIGUOUS',
    says: /--kernel/,
    guest: (guest) => mkdirSync(guest.at('lib/modules/5.10.0-1-amd64')),
  },
  {
    name: 'a tree without any kernel',
    status: 3,
    code: 'E_KERNEL_UNKNOWN',
    says: /lib\/modules/,
    guest: (guest) => guest.remove('lib'),
  },
  {
    name: 'a tree that is mounted read-only',
    status: 3,
    code: 'E_READ_ONLY',
    says: /read-only/,
    settings: (guest) => ({ prefix: ['unshare', '-m', 'sh', '-c', MOUNT_READ_ONLY, guest.root] }),
  },
  {
    name: 'a tree whose /lib is an absolute link, out of it',
    status: 3,
    code: 'E_TREE_ESCAPES',
    says: /relative/,
    guest: (guest) => {
      execFileSync('sh', ['-c', 'mv "$0/lib/modules" "$0/usr/lib/modules" && rmdir "$0/lib"', guest.root]);
      symlinkSync('/usr/lib', guest.at('lib'));
    },
  },
  {
    name: 'a state folder that others may write to',
    status: 3,
    code: 'E_STATE_UNSAFE',
    says: /chmod 700/,
    guest: (guest) => {
      mkdirSync(guest.at('var/lib/mptfix'), { mode: 0o777 });
      execFileSync('chmod', ['777', guest.at('var/lib/mptfix')]);
    },
  },
  {
    name: 'a module that is no ELF file',
    status: 11,
    code: 'E_CANNOT_DECIDE',
    says: /ELF/,
    guest: (guest) => guest.put(modulePath(release), 'no module\n'),
  },
  {
    name: 'nobody to agree',
    status: 2,
    code: 'E_CONFIRM_REQUIRED',
    says: /--yes/,
    agreed: false,
  },
  {
    name: 'a work folder that is not there',
    status: 3,
    code: 'E_NO_WORK_FOLDER',
    says: /--work/,
    args: () => ['--source', source, '--work', '/nowhere/at/all'],
  },
];

const MOUNT_READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"';

/** The checkout may be in a folder that only root can enter. */
function publicBin(): string {
  const folder = join(work, 'mptfix');
  mkdirSync(folder, { recursive: true });
  for (const name of ['bin', 'dist', 'patches', 'package.json'])
    cpSync(name, join(folder, name), { recursive: true });
  execFileSync('chmod', ['-R', 'a+rX', work, dirname(work)]);
  return join(folder, 'bin/mptfix.cjs');
}

describe('each is one clear error, and the guest is byte for byte what it was:', () => {
  for (const { name, status, code, says, guest: spoil, args, settings, agreed = true } of cases) {
    test(name, async () => {
      const guest = slimGuest(fixture);
      try {
        execFileSync('chmod', ['755', guest.root]);
        spoil?.(guest);
        const words = args?.(guest) ?? ['--source', source];
        const set = settings?.(guest) ?? {};
        const before = listing(guest.root);
        const yes = agreed ? ['--yes'] : [];
        const run = await mptfix(['apply', '--root', guest.root, ...words, ...yes, '--json'], set);
        const { schema, error } = json(run);
        expect(schema).toBe('mptfix.error/1');
        expect(`${error.code} ${error.what} ${error.next}`).toMatch(says);
        expect([error.code, run.status]).toEqual([code, status]);
        expect(run.stderr).toContain(`mptfix: ${code}: `);
        expect(run.stderr).toContain('  next: ');
        expect(listing(guest.root)).toEqual(before);
      } finally {
        guest.dispose();
      }
    });
  }
});
