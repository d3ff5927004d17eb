import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, inject } from 'vitest';
import { type Case, testBadCases } from '../helpers/bad-case.ts';
import { modulePath } from '../helpers/slim-guest.ts';

const fixture = inject('fixture');
const { release, source } = fixture;
let work = '';

beforeAll(() => {
  work = mkdtempSync(join(dirname(fixture.guest), 'bad-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

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

const cases: readonly Case[] = [
  {
    name: 'a user who is not root',
    status: 3,
    code: 'E_NOT_ROOT',
    says: /sudo/,
    planned: false,
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
    name: 'a kernel that is not there',
    status: 3,
    code: 'E_KERNEL_UNKNOWN',
    says: /6\.1\.0-999-amd64/,
    args: () => ['--source', source, '--kernel', '6.1.0-999-amd64'],
  },
  {
    name: 'a hostile kernel release',
    status: 2,
    code: 'E_USAGE',
    says: /needs a kernel release, not/,
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
    planned: false,
  },
  {
    name: 'a work folder that is not there',
    status: 3,
    code: 'E_NO_WORK_FOLDER',
    says: /--work/,
    args: () => ['--source', source, '--work', '/nowhere/at/all'],
  },
];

describe('guest and words: each is one clear error, and the guest is byte for byte what it was:', () => {
  testBadCases(fixture, cases);
});
