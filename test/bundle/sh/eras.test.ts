import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ERAS, EXT2 } from '../../initramfs/era-guest.ts';
import { imageHolds, oldGuest, text } from '../old-guest.ts';

/** A link that was made again has a time of its own, and no tool of 2003 changes that. */
const withoutLinkTimes = (lines: readonly string[]): string[] =>
  lines.map((line) => (/ l /.test(line) ? line.replace(/ \d{19} /, ' ') : line));

test.each([...ERAS, EXT2])('$name: apply, status and rollback', { timeout: 240_000 }, async (era) => {
  const tools = ['sha256sum', 'sha1sum', ...(era === EXT2 ? ['mke2fs', 'debugfs'] : [])];
  const guest = await oldGuest(era, ['dash'], { tools });
  const checksums = `var/lib/initramfs-tools/${era.release}`;
  const keepsChecksum = era.program.endsWith('mkinitramfs');
  const checksum = (): string =>
    `${createHash('sha1')
      .update(readFileSync(join(guest.root, guest.image)))
      .digest('hex')}  ${guest.image}\n`;
  if (keepsChecksum) writeFileSync(join(guest.root, checksums), checksum());
  const old = readFileSync(join(guest.root, guest.modulePath));
  const before = guest.all();
  expect(guest.run('check').status).toBe(10);

  const applied = guest.run('apply', '--yes');
  expect(applied, applied.stdout + applied.stderr).toMatchObject({ status: 0, stderr: '' });
  expect(applied.stdout).not.toContain('warning');
  expect(await text(guest, guest.modulePath)).toBe(String(guest.content.bytes));
  expect(await imageHolds(guest, guest.content.bytes)).toBe(true);
  // The old image is kept, and boots as it did.
  const kept = { ...guest, image: `${guest.image}.mptfix-1` };
  expect(await imageHolds(kept, old)).toBe(true);
  expect(readFileSync(join(guest.root, kept.image))).not.toEqual(readFileSync(join(guest.root, guest.image)));
  if (keepsChecksum) expect(await text(guest, checksums)).toBe(checksum());
  if (era.name.startsWith('SLES')) expect(readlinkSync(join(guest.root, 'boot/initrd'))).toBe(era.image);
  expect(guest.run('status').stdout).toContain('generation 1 is installed');
  expect(guest.run('check').status).toBe(0);

  const undone = guest.run('rollback', '--yes');
  expect(undone, undone.stdout + undone.stderr).toMatchObject({ status: 0, stderr: '' });
  expect(withoutLinkTimes(guest.all())).toEqual(withoutLinkTimes(before));
  expect(guest.run('check').status).toBe(10);
});

/** From the machine that has the tree; the guest's own shell and tools do all that its own programs must do. */
test.each([ERAS[0] as (typeof ERAS)[number], EXT2])(
  '$name as a tree: every command with --root',
  {
    timeout: 240_000,
  },
  async (era) => {
    const tools = ['sha256sum', ...(era === EXT2 ? ['mke2fs'] : [])];
    const guest = await oldGuest(era, ['dash'], { tools, reindex: true });
    writeFileSync(
      join(guest.root, 'sbin/depmod'),
      '#!/bin/sh\ncd /lib/modules/$2 && cp modules.dep modules.dep.temp && mv modules.dep.temp modules.dep && : > modules.alias\n',
      { mode: 0o755 },
    );
    const run = (...args: readonly string[]) =>
      spawnSync('dash', [join(guest.root, 'bundle.run'), ...args, '--root', guest.root], {
        encoding: 'utf8',
      });
    const before = guest.all();
    expect(run('check').status).toBe(10);
    expect(run('status').stdout).toContain('nothing is installed');
    expect(guest.all()).toEqual(before);
    const applied = run('apply', '--yes', '--json');
    expect(applied, applied.stdout + applied.stderr).toMatchObject({ status: 0 });
    expect(await text(guest, guest.modulePath)).toBe(String(guest.content.bytes));
    expect(await imageHolds(guest, guest.content.bytes)).toBe(true);
    expect(run('check').status).toBe(0);
    expect(run('status').stdout).toContain('generation 1 is installed');
    // The guest itself says the same.
    expect(guest.run('status').stdout).toContain('generation 1 is installed');
    const undone = run('rollback', '--yes');
    expect(undone, undone.stdout + undone.stderr).toMatchObject({ status: 0 });
    expect(guest.all()).toEqual(before);
  },
);
