import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildableGuest, MODULE, RELEASE } from '../helpers/buildable-guest.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { ERAS, putPrograms } from '../initramfs/era-guest.ts';
import { put, sh } from '../machine/temporary.ts';

const IMAGE = `boot/initrd-${RELEASE}.img`;
const LILO = /the guest boots by lilo, .* run `lilo` in the guest before the next boot/;

let base = '';
let root = '';
let source = '';

/** A guest whose driver is in a gzipped cpio archive of Red Hat's mkinitrd, and that boots by lilo. */
beforeAll(async () => {
  base = mkdtempSync('/var/tmp/mptfix-era-');
  sh('chmod 755 "$1"', base);
  [root, source] = [join(base, 'guest'), join(base, 'source')];
  buildableGuest(root, source);
  await putPrograms(root);
  const [redHat] = ERAS;
  if (redHat === undefined) throw new Error('no era');
  await put(root, {
    ...redHat.config,
    'etc/modprobe.conf': 'alias scsi_hostadapter mptscsih\n',
    [redHat.program]: redHat.script,
    'etc/lilo.conf': `boot=/dev/sda\nimage=/boot/vmlinuz-${RELEASE}\n\tinitrd=/${IMAGE}\n\tlabel=linux\n`,
  });
  sh('chmod 755 "$1"; chroot "$2" mkinitrd "/$3" "$4"', join(root, redHat.program), root, IMAGE, RELEASE);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** The driver as the image has it. */
function inImage(): string {
  return sh(
    'cd "$(mktemp -d)"; gzip -dc "$1" | cpio --quiet -id lib/mptscsih.ko; sha256sum < lib/mptscsih.ko; rm -r "$PWD"',
    join(root, IMAGE),
  );
}
const onDisk = (): string => sh('sha256sum < "$1"', join(root, MODULE));

describe('a guest of Red Hat’s mkinitrd and of lilo', () => {
  test('plan, apply, status and rollback: the image has the driver of the tree, and lilo is said each time', async () => {
    const [shipped, image] = [onDisk(), readFileSync(join(root, IMAGE))];
    expect(inImage()).toBe(shipped);
    const given = ['--root', root, '--source', source, '--json'];

    const planned = json(await mptfix(['plan', ...given]));
    expect(planned.images).toMatchObject([
      { path: `/${IMAGE}`, tool: 'mkinitrd (Red Hat)', action: 'rebuild' },
    ]);
    expect(planned.warnings).toEqual([expect.stringMatching(LILO)]);

    const applied = await mptfix(['apply', '--yes', ...given]);
    expect([applied.status, json(applied).manifest.warnings]).toEqual([0, [expect.stringMatching(LILO)]]);
    expect(onDisk()).not.toBe(shipped);
    expect(inImage()).toBe(onDisk());
    // What lilo has noted is still there: a boot before lilo has run finds the old image.
    expect(readFileSync(join(root, `${IMAGE}.mptfix-1`)).equals(image)).toBe(true);

    const status = json(await mptfix(['status', '--root', root, '--json']));
    expect(status.images).toMatchObject([{ path: `/${IMAGE}`, holds: 'same' }]);

    const back = await mptfix(['rollback', '--yes', '--root', root, '--json']);
    expect([back.status, json(back).warnings]).toEqual([0, [expect.stringMatching(LILO)]]);
    expect([onDisk(), readFileSync(join(root, IMAGE)).equals(image)]).toEqual([shipped, true]);
  });
});
