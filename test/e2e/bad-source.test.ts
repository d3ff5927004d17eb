import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, inject } from 'vitest';
import { type Case, testBadCases } from '../helpers/bad-case.ts';
import { buildBench } from '../helpers/build.ts';

const fixture = inject('fixture');
const { release, source } = fixture;
/** Headers that need no copy before the compiler's user can read them: where they are not what is wrong. */
const { headers } = buildBench(fixture);
let work = '';

beforeAll(() => {
  work = mkdtempSync(join(dirname(fixture.guest), 'bad-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

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

const of = (path: string): string[] => ['--source', path, '--headers', headers()];

const cases: readonly Case[] = [
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
      return of(folder);
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
      return of(path);
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
      return of(path);
    },
  },
  {
    name: 'a tarball with a name that climbs out',
    status: 4,
    code: 'E_ARCHIVE_UNSAFE',
    says: /\.\.\/evil/,
    args: () => of(hostileTar('climbs', '--transform=s,^evil,../evil,', 'evil')),
  },
  {
    name: 'a tarball with an absolute name',
    status: 4,
    code: 'E_ARCHIVE_UNSAFE',
    says: /absolute name/,
    args: () => of(hostileTar('absolute', '--transform=s,^evil,/tmp/evil,', 'evil')),
  },
  {
    name: 'a tarball with a symbolic link out of it',
    status: 4,
    code: 'E_ARCHIVE_UNSAFE',
    says: /symbolic link/,
    args: () => of(hostileTar('link', 'out')),
  },
  {
    name: 'a tarball with an absolute symbolic link',
    status: 4,
    code: 'E_ARCHIVE_UNSAFE',
    says: /symbolic link/,
    args: () => of(hostileTar('abslink', 'absolute')),
  },
  {
    name: 'a file that is no archive',
    status: 4,
    code: 'E_ARCHIVE_FORMAT',
    says: /not a tar archive/,
    args: () => {
      const path = join(work, 'text');
      writeFileSync(path, 'no archive at all\n'.repeat(100));
      return of(path);
    },
  },
  {
    name: 'a source that is not there',
    status: 3,
    code: 'E_SOURCE_MISSING',
    says: /nowhere/,
    args: () => of('/nowhere'),
  },
  {
    name: 'a source without the driver',
    status: 3,
    code: 'E_DRIVER_NOT_IN_SOURCE',
    says: /holds no drivers\/message\/fusion\/mptscsih\.c/,
    args: () => {
      const folder = sourceCopy('no-driver');
      rmSync(join(folder, 'drivers/message/fusion/mptscsih.c'));
      return of(folder);
    },
  },
  {
    name: 'a source whose branch is gone, for a module that has it',
    status: 5,
    code: 'E_PATCH_NO_BRANCH',
    says: /the module was not built from it/,
    args: () => of(fixture.tarball),
  },
  {
    name: 'a source that does not compile',
    status: 6,
    code: 'E_BUILD',
    planned: false,
    says: /does_not_exist\.h/,
    args: () => {
      const folder = sourceCopy('broken');
      const file = join(folder, 'drivers/message/fusion/mptscsih.c');
      writeFileSync(file, `#include "does_not_exist.h"\n${readFileSync(file, 'latin1')}`, 'latin1');
      return of(folder);
    },
  },
];

describe('source and headers: each is one clear error, and the guest is byte for byte what it was:', () => {
  testBadCases(fixture, cases);
});
