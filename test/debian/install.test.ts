import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { proveInitramfs } from '../../src/initramfs/module.ts';
import { LIMITS } from '../../src/limits.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { buildBench } from '../helpers/build.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { inside } from '../helpers/debian-packages.ts';
import { snapshot } from '../helpers/debian-tree.ts';
import { listing } from '../helpers/listing.ts';
import { type AffectedGuest, affectedGuest } from './affected.ts';

const fixture = inject('fixture');
const debian = inject('debian');
const { headers } = buildBench(fixture);

/** Everything that mptfix may not change for good; the folder that the state is in has a new time. */
const STATE = { without: ['var/lib/mptfix'] };
const all = (root: string): string[] =>
  listing(root, STATE).filter((line) => !line.startsWith('var/lib ') && !line.startsWith(' d '));

const common = (root: string): string[] => [
  ...['--root', root, '--source', fixture.source],
  ...['--headers', headers()],
  '--yes',
  '--json',
];

async function holdsDiskModule(guest: { root: string; image: string; modulePath: string }) {
  const target = rootTarget(guest.root, { dryRun: true });
  const file = await target.read(guest.modulePath, LIMITS.moduleBytes);
  return proveInitramfs(target, guest.image, { release: fixture.release, name: 'mptscsih', file });
}

describe.each([['initramfs-tools'], ['dracut']] as const)('a guest with %s', (tool) => {
  let guest: AffectedGuest;
  let before: string[];
  beforeAll(async () => {
    guest = await affectedGuest(tool === 'dracut' ? debian.dracut : debian.initramfsTools, fixture);
    before = all(guest.root);
  });
  afterAll(() => guest.dispose());

  test('the image holds the patched module after apply, and the old one is kept beside it', async () => {
    expect(await holdsDiskModule(guest)).toMatchObject({ ok: true });
    const run = await mptfix(['apply', ...common(guest.root)]);
    expect([run.status, run.stderr.includes('E_')]).toEqual([0, false]);
    const { manifest } = json(run);
    expect(manifest.images).toEqual([
      expect.objectContaining({ path: guest.image, fallback: `${guest.image}.mptfix-1`, tool }),
    ]);
    expect(await holdsDiskModule(guest)).toMatchObject({ ok: true });
    const fallback = { ...guest, image: `${guest.image}.mptfix-1` };
    expect((await holdsDiskModule(fallback)).ok).toBe(false);
    expect(manifest.outcome).toEqual([
      expect.stringContaining('index was left as it is'),
      expect.stringContaining('sha256'),
      expect.stringContaining('modules.dep names'),
      expect.stringMatching(/^read as kmod .* and \d+ that it needs/),
      expect.stringContaining('the only mptscsih'),
      expect.stringMatching(/^modprobe would load/),
      expect.stringContaining('the guest’s own modprobe would load'),
    ]);
    const status = json(await mptfix(['status', '--root', guest.root, '--json']));
    expect(status).toMatchObject({ state: 'patched', agree: true, fallbacks: [`${guest.image}.mptfix-1`] });
    expect(status.images).toEqual([expect.objectContaining({ path: guest.image, holds: 'same' })]);
  });

  test('and the original after rollback, with every byte and time of all files as before', async () => {
    const run = await mptfix(['rollback', '--root', guest.root, '--yes', '--json']);
    expect([run.status, json(run).images]).toEqual([0, [{ path: guest.image, how: 'restored' }]]);
    expect(all(guest.root)).toEqual(before);
    expect(await holdsDiskModule(guest)).toMatchObject({ ok: true });
  });

  test('an image that somebody has made anew since is built once more, with the original module', async () => {
    expect((await mptfix(['apply', ...common(guest.root)])).status).toBe(0);
    // As an update of another package does it.
    const target = rootTarget(guest.root, { dryRun: false });
    const other = `${guest.image}.other`;
    if (tool === 'dracut') await inside(guest.root, 'dracut', '--force', other, fixture.release);
    else await inside(guest.root, 'mkinitramfs', '-o', other, fixture.release);
    await target.rename(other, guest.image);
    const run = await mptfix(['rollback', '--root', guest.root, '--yes', '--json']);
    expect([run.status, json(run).images]).toEqual([0, [{ path: guest.image, how: 'rebuilt' }]]);
    expect(await holdsDiskModule(guest)).toMatchObject({ ok: true });
    expect(existsSync(join(guest.root, `${guest.image}.mptfix-2`))).toBe(false);
    expect(json(await mptfix(['check', '--root', guest.root, '--json'])).verdict).toBe('affected');
  });
});

describe('choices', () => {
  let guest: AffectedGuest;
  let before: string[];
  beforeAll(async () => {
    guest = await affectedGuest(debian.initramfsTools, fixture);
    before = all(guest.root);
  });
  afterAll(() => guest.dispose());

  const rollback = async (): Promise<void> => {
    expect((await mptfix(['rollback', '--root', guest.root, '--yes'])).status).toBe(0);
    expect(all(guest.root)).toEqual(before);
  };

  test('--placement updates leaves the package’s file, and modprobe takes the new one', async () => {
    const run = await mptfix(['apply', ...common(guest.root), '--placement', 'updates']);
    expect(run.status).toBe(0);
    const { module, outcome } = json(run).manifest;
    expect(module.path).toBe(`/lib/modules/${fixture.release}/updates/mptscsih.ko`);
    expect(outcome.join('\n')).toContain(`takes precedence over ${guest.modulePath}`);
    const status = json(await mptfix(['status', '--root', guest.root, '--json']));
    expect([status.state, status.agree, status.module.path]).toEqual(['patched', true, module.path]);
    await rollback();
  });

  test('--no-initramfs says that a reboot would load the old driver, and status that they differ', async () => {
    const run = await mptfix(['apply', ...common(guest.root), '--no-initramfs']);
    expect([run.status, json(run).manifest.images]).toEqual([0, []]);
    expect(json(run).plan.warnings.join('\n')).toMatch(
      /a reboot would load the old driver.*update-initramfs/,
    );
    const status = json(await mptfix(['status', '--root', guest.root, '--json']));
    expect([status.agree, status.images[0].holds]).toEqual([false, 'other']);
    await rollback();
  });

  test('--boot-entry offers the old image in GRUB’s menu; status --prune takes it away; rollback still restores', async () => {
    const target = rootTarget(guest.root, { dryRun: false });
    for (const folder of ['/boot/grub', '/etc/grub.d']) await target.mkdir(folder, 0o755);
    const menu = [
      '### BEGIN /etc/grub.d/10_linux ###',
      `menuentry 'Debian' {`,
      `\tlinux\t/boot/vmlinuz-${fixture.release} root=/dev/sda1 ro quiet`,
      `\tinitrd\t${guest.image}`,
      '}',
      '### END /etc/grub.d/10_linux ###',
      '',
    ].join('\n');
    await target.write('/boot/grub/grub.cfg', menu, { mode: 0o444 });
    const withMenu = all(guest.root);
    const run = await mptfix(['apply', ...common(guest.root), '--boot-entry']);
    expect([run.status, json(run).manifest?.bootEntry?.loader]).toEqual([0, 'grub2']);
    const patched = await target.readText('/boot/grub/grub.cfg', LIMITS.moduleBytes);
    expect(patched).toContain(`${guest.image}.mptfix-`);
    execFileSync('grub-script-check', [join(guest.root, 'boot/grub/grub.cfg')]);
    const pruned = await mptfix(['status', '--prune', '--root', guest.root, '--yes', '--json']);
    expect([pruned.status, json(pruned).fallbacks, json(pruned).state]).toEqual([0, [], 'patched']);
    expect(await target.readText('/boot/grub/grub.cfg', LIMITS.moduleBytes)).toBe(menu);
    expect((await mptfix(['rollback', '--root', guest.root, '--yes'])).status).toBe(0);
    const untimed = (lines: string[]): string[] =>
      // The menu was written by the entry and again by its removal, and GRUB’s folder got a drop-in in between.
      lines.filter(
        (line) => !/^(boot\/grub|etc\/grub\.d|boot|etc)[ /]/.test(line) || / f .*initrd/.test(line),
      );
    expect(untimed(all(guest.root))).toEqual(untimed(withMenu));
    await target.removeTree('/boot/grub');
    await target.removeTree('/etc/grub.d');
  });

  test('a boot menu that nobody knows is said before anything is written', async () => {
    const now = all(guest.root);
    const run = await mptfix(['apply', ...common(guest.root), '--boot-entry']);
    expect([run.status, json(run).error.code]).toEqual([3, 'E_BOOT_ENTRY']);
    expect(all(guest.root)).toEqual(now);
  });

  const HOOK = 'etc/initramfs-tools/hooks/broken';
  test.each([
    ['fails', 'exit 3', 'E_INSTALL'],
    [
      'leaves out the driver',
      'rm -f "$DESTDIR"/usr/lib/modules/*/kernel/drivers/message/fusion/mptscsih.ko',
      'E_INITRAMFS',
    ],
    ['leaves out a program', 'rm -f "$DESTDIR"/usr/bin/kmod "$DESTDIR"/usr/sbin/modprobe', 'E_INITRAMFS'],
  ])('a tool that %s: the old image stays, everything is put back, exit 8', async (_what, act, code) => {
    writeFileSync(join(guest.root, HOOK), `#!/bin/sh\nPREREQ=""\n[ "$1" = prereqs ] && exit 0\n${act}\n`, {
      mode: 0o755,
    });
    try {
      const now = all(guest.root);
      const run = await mptfix(['apply', ...common(guest.root)]);
      expect([run.status, json(run).error.code]).toEqual([8, code]);
      expect(all(guest.root)).toEqual(now);
    } finally {
      rmSync(join(guest.root, HOOK));
    }
  });

  test('an initramfs that cannot be read is said before anything is written', async () => {
    const target = rootTarget(guest.root, { dryRun: false });
    const image = await target.read(guest.image, LIMITS.moduleBytes);
    await target.write(guest.image, image.subarray(0, image.length >> 1));
    const run = await mptfix(['apply', ...common(guest.root)]);
    expect([run.status, json(run).error.code]).toEqual([3, 'E_INITRAMFS_TOOL']);
    expect(json(run).error.next).toContain('--no-initramfs');
    expect(existsSync(join(guest.root, 'var/lib/mptfix/generations/9'))).toBe(false);
  });
});

test('dpkg -V of the kernel’s package is clean after an installation and its rollback', async () => {
  const { root, dispose } = snapshot(debian.initramfsTools);
  try {
    const verify = (): string =>
      execFileSync('dpkg', ['--root', root, '--verify', debian.package]).toString().trim();
    expect(verify()).toBe('');
    const { installVariant } = await import('./variant.ts');
    const { rollbackAll } = await installVariant(root, debian.release);
    expect(verify()).toContain('mptscsih.ko');
    await rollbackAll();
    expect(verify()).toBe('');
  } finally {
    dispose();
  }
});
