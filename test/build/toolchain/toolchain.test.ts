import { describe, expect, test } from 'vitest';
import { makeProgram, withNamedTools, wordsOf } from '../../../src/build/toolchain/named-tools.ts';
import { MACHINE, openToolchain, requireToolsOf } from '../../../src/build/toolchain/toolchain.ts';
import { TOOLS } from '../../../src/machine/tools.ts';
import { localTarget, rootTarget } from '../../../src/machine/tree.ts';
import { type Entries, failureOf, temporary } from '../../machine/temporary.ts';

/** As an ELF file begins: its class, and its machine. */
function header(elfClass: number, machine: number): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write('\x7fELF', 'latin1');
  bytes[4] = elfClass;
  bytes[5] = 1;
  bytes.writeUInt16LE(machine, 18);
  return bytes;
}
const I386 = header(1, 3);
const X86_64 = header(2, 62);

async function tree(entries: Entries = { 'bin/sh': X86_64 }) {
  const root = await temporary(entries);
  return { root, guest: rootTarget(root, { dryRun: true }) };
}

describe('--toolchain', () => {
  test('that is not given is this machine, and nobody’s choice', async () => {
    expect(await openToolchain(undefined, undefined)).toMatchObject({ kind: 'machine', isChosen: false });
    expect(await openToolchain('machine', undefined)).toMatchObject({ kind: 'machine', isChosen: true });
  });

  test.each([
    ['of x86-64', X86_64, false],
    ['of i386', I386, true],
    ['that is a script', '#!/bin/ash\n', false],
  ])('guest is the guest’s tree, with a shell %s', async (_, sh, is32Bit) => {
    const { root, guest } = await tree({ 'bin/sh': sh });
    expect(await openToolchain('guest', guest)).toMatchObject({
      kind: 'guest',
      name: root,
      programs: { root, is32Bit },
      isChosen: true,
    });
  });

  test('DIR is another tree', async () => {
    const { root } = await tree();
    expect(await openToolchain(root, localTarget({ dryRun: true }))).toMatchObject({
      kind: 'tree',
      name: root,
    });
  });

  test.each([
    ['guest without a tree', 'guest', 'E_USAGE', /--root/],
    ['a folder that is not there', '/nowhere/at/all', 'E_TARGET_MISSING', /there is no folder/],
  ])('%s is refused', async (_, choice, code, what) => {
    const failure = await failureOf(openToolchain(choice, localTarget({ dryRun: true })));
    expect([failure.code, failure.what]).toEqual([code, expect.stringMatching(what)]);
  });

  test('a folder that is no system is refused', async () => {
    const { root } = await tree({ 'some/file': '' });
    expect((await failureOf(openToolchain(root, undefined))).what).toContain('has no /bin/sh');
  });
});

describe('a tree without compiler is refused with the packages of its own distro:', () => {
  test.each([
    ['Debian', { 'etc/debian_version': '4.0\n' }, 'apt-get install --yes make gcc'],
    [
      'RHEL 4',
      { 'etc/redhat-release': 'Red Hat Enterprise Linux AS release 4 (Nahant Update 4)\n' },
      'up2date -i make gcc',
    ],
    ['CentOS 4', { 'etc/redhat-release': 'CentOS release 4.5 (Final)\n' }, 'yum install -y make gcc'],
    [
      'RHEL 5',
      { 'etc/redhat-release': 'Red Hat Enterprise Linux Server release 5 (Tikanga)\n' },
      'yum install -y make gcc',
    ],
    ['RHEL 9', { 'etc/os-release': 'ID="rhel"\nVERSION_ID="9.4"\n' }, 'dnf install -y make gcc'],
    [
      'SLES 9',
      { 'etc/SuSE-release': 'SUSE LINUX Enterprise Server 9 (i586)\nVERSION = 9\nPATCHLEVEL = 3\n' },
      'yast2 --install make gcc',
    ],
    ['SLES 15', { 'etc/os-release': 'ID="sles"\nVERSION_ID="15.5"\n' }, 'zypper install -y make gcc'],
    ['one that is unknown', {}, 'install there: make, gcc'],
  ])('%s', async (_, entries, words) => {
    const { root, guest } = await tree({ 'bin/sh': X86_64, ...entries });
    const toolchain = await openToolchain('guest', guest);
    const { code, what, next } = await failureOf(requireToolsOf(toolchain, [TOOLS.make, TOOLS.gcc]));
    expect([code, what]).toEqual(['E_TOOLS_MISSING', `not installed in ${root}: make, gcc`]);
    expect(next).toContain(words);
  });
});

describe('what a variable for make names by its path is shown', () => {
  test('alone, or with all of the folder that a compiler was installed into', async () => {
    const root = await temporary({
      'me/wrapped-gcc': '#!/bin/sh\n',
      'me/notes': '',
      'opt/bin/i686-linux-gcc': '',
      'opt/lib/gcc/i686-linux/4.1.2/cc1': '',
      'old/bin/gcc': '',
      'old/lib/gcc-lib/i386-linux/3.2.3/cc1': '',
      'linked/gcc': { link: '../old/bin/gcc' },
    });
    const vars = [
      `CC=${root}/me/wrapped-gcc -m32`,
      `CROSS_COMPILE=${root}/opt/bin/i686-linux-`,
      `HOSTCC=${root}/linked/gcc`,
      'LD=/usr/bin/ld',
      'V=1',
      `AS=${root}/nowhere`,
    ];
    const { shown } = await withNamedTools(MACHINE, vars);
    expect(shown.map(({ to }) => to).sort()).toEqual(
      ['linked/gcc', 'me/wrapped-gcc', 'old', 'opt'].map((path) => `${root}/${path}`),
    );
  });

  test('by the tree’s own paths where the toolchain is a tree', async () => {
    const { root, guest } = await tree({ 'bin/sh': X86_64, 'home/me/gcc': '#!/bin/sh\n' });
    const { shown } = await withNamedTools(await openToolchain('guest', guest), ['CC=/home/me/gcc']);
    expect(shown).toEqual([{ from: `${root}/home/me/gcc`, to: '/home/me/gcc' }]);
  });

  test('make is started by its path, if one is given', () => {
    expect(makeProgram(['MAKE=/home/me/make-3.81'])).toBe('/home/me/make-3.81');
    expect(makeProgram(['MAKE=gmake', 'V=1'])).toBe('make');
  });

  test('words are split as a shell would', () => {
    expect([wordsOf('gcc -m32'), wordsOf(' ccache  gcc '), wordsOf(' ')]).toEqual([
      ['gcc', '-m32'],
      ['ccache', 'gcc'],
      undefined,
    ]);
  });
});
