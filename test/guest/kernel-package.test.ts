import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installedVersion } from '../../src/guest/dpkg-status.ts';
import { kernelPackageArchitecture, kernelPackageVersion } from '../../src/guest/kernel.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { type Entries, temporary } from '../machine/temporary.ts';

const RELEASE = '6.1.0-9-amd64';
const stanza = (name: string, status: string, version: string, more = '') =>
  `Package: ${name}\nStatus: ${status}\nPriority: optional\n${more}Version: ${version}\nDescription: x\n more\n\n`;
const IMAGE = stanza(`linux-image-${RELEASE}`, 'install ok installed', '6.1.27-1');

/** An x86 image’s first sectors with the text that file(1) also shows. Source: Documentation/x86/boot.rst. */
function image(banner: string, magic = 'HdrS', pointer = 0x1000): Buffer {
  const bytes = Buffer.alloc(32 * 1024);
  bytes.write(magic, 0x202, 'latin1');
  bytes.writeUInt16LE(pointer, 0x20e);
  bytes.write(`${banner}\0`, Math.min(pointer + 0x200, bytes.length - 1), 'latin1');
  return bytes;
}
const BANNER = `${RELEASE} (debian-kernel@lists.debian.org) #1 SMP PREEMPT_DYNAMIC Debian 6.1.30-1 (2023-06-01)`;

async function versionOf(entries: Entries): Promise<string | undefined> {
  return kernelPackageVersion(rootTarget(await temporary(entries), { dryRun: true }), RELEASE);
}

describe('the package database tells a kernel’s version', () => {
  test('first, and the image after it', async () => {
    const boot = { [`boot/vmlinuz-${RELEASE}`]: image(BANNER) };
    expect(await versionOf({ 'var/lib/dpkg/status': IMAGE, ...boot })).toBe('6.1.27-1');
    expect(await versionOf({ 'var/lib/dpkg/status': '', ...boot })).toBe('6.1.30-1');
    expect(await versionOf(boot)).toBe('6.1.30-1');
    expect(await versionOf({})).toBe(undefined);
  });

  test.each([`linux-modules-${RELEASE}`, `linux-image-${RELEASE}-unsigned`])(
    'under the name %s',
    async (name) => {
      const status = stanza(name, 'install ok installed', '5.4.0-42.46');
      expect(await versionOf({ 'var/lib/dpkg/status': status })).toBe('5.4.0-42.46');
    },
  );
});

describe('of the database', () => {
  const names = [`linux-image-${RELEASE}`];

  test('the whole stanza of just that package is read, wherever it stands', () => {
    const others = [
      stanza(`linux-image-${RELEASE}-dbg`, 'install ok installed', '1'),
      stanza('other', 'install ok installed', '2', `Depends: linux-image-${RELEASE}\nRecommends: x\n`),
    ].join('');
    for (const text of [IMAGE, IMAGE + others, others + IMAGE, others + IMAGE.trimEnd()])
      expect(installedVersion(text, names)).toBe('6.1.27-1');
    expect(installedVersion(others, names)).toBe(undefined);
  });

  test.each([
    'deinstall ok config-files',
    'install ok half-installed',
    'install ok not-installed',
    'purge ok x',
  ])('a package that is %s is none', (status) => {
    expect(installedVersion(stanza(names[0] ?? '', status, '1'), names)).toBe(undefined);
  });

  test('a held package is installed, and the first name that is wins', () => {
    const held = stanza('b', 'hold ok installed', '2');
    expect(installedVersion(stanza('a', 'deinstall ok config-files', '1') + held, ['a', 'b'])).toBe('2');
  });

  test('a version without an end does not run into the next package', () => {
    const cut = `Package: a\nStatus: install ok installed\n\n${stanza('b', 'install ok installed', '9')}`;
    expect(installedVersion(cut, ['a'])).toBe(undefined);
  });
});

describe('an image tells nothing', () => {
  test.each([
    ['where it is of another kernel', image(BANNER.replace(RELEASE, '6.1.0-10-amd64'))],
    ['where it is no x86 image', image(BANNER, 'xxxx')],
    ['where its pointer leads out of what was read', image('', 'HdrS', 0xffff)],
    ['where it is not Debian’s', image(`${RELEASE} (x@y) #1 SMP Mon`)],
    ['where it is cut short', image(BANNER).subarray(0, 0x210)],
    ['where it is empty', Buffer.alloc(0)],
  ])('%s', async (_, bytes) => {
    expect(await versionOf({ [`boot/vmlinuz-${RELEASE}`]: bytes })).toBe(undefined);
  });

  test('where it is a folder', async () => {
    expect(await versionOf({ [`boot/vmlinuz-${RELEASE}/x`]: '' })).toBe(undefined);
  });

  test('but one that only root may read tells it to root', async () => {
    const root = await temporary({ [`boot/vmlinuz-${RELEASE}`]: image(BANNER) });
    chmodSync(join(root, `boot/vmlinuz-${RELEASE}`), 0o600);
    expect(await kernelPackageVersion(rootTarget(root, { dryRun: true }), RELEASE)).toBe('6.1.30-1');
  });
});

describe('the package database tells a kernel’s architecture', () => {
  const architectureOf = async (status: string) =>
    kernelPackageArchitecture(
      rootTarget(await temporary({ 'var/lib/dpkg/status': status }), { dryRun: true }),
      RELEASE,
    );
  const of = (more: string, status = 'install ok installed') =>
    stanza(`linux-image-${RELEASE}`, status, '6.1.27-1', more);

  test('as dpkg calls it, of a package that is installed', async () => {
    expect(await architectureOf(of('Architecture: i386\n'))).toBe('i386');
    expect(await architectureOf(of('Architecture: i386\n', 'deinstall ok config-files'))).toBe(undefined);
    expect(await architectureOf(of('Architecture: all\n'))).toBe(undefined);
    expect(await architectureOf(of(''))).toBe(undefined);
    expect(await architectureOf('')).toBe(undefined);
  });

  test('and no word that could be more than a name to apt', async () => {
    for (const word of ['i386"; Dir::Bin "x', 'I386', '-c', '../x', 'i386 amd64'])
      expect(await architectureOf(of(`Architecture: ${word}\n`)), word).toBe(undefined);
  });
});
