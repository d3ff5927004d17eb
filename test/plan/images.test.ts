import { describe, expect, test } from 'vitest';
import { isFailure } from '../../src/errors.ts';
import type { Target } from '../../src/machine/port.ts';
import type { Plan } from '../../src/plan/document.ts';
import { requireImages } from '../../src/plan/images.ts';

const RELEASE = '2.6.18-8.el5';
const IMAGE = { path: `/boot/initrd-${RELEASE}.img`, tool: 'mkinitrd', detail: 'holds mptscsih' };

/** What `requireImages` reads of both: which kind of guest it is, and what is to be done with its images. */
function refusal(
  kind: Target['kind'],
  action: string,
  tool: string | null = 'mkinitrd',
  uid = 0,
): string | undefined {
  const target = { kind, name: 'root@db1' } as Target;
  const plan = { images: [{ ...IMAGE, action, tool }], kernel: { release: RELEASE } } as unknown as Plan;
  const { geteuid } = process;
  process.geteuid = () => uid;
  try {
    requireImages(target, plan);
    return undefined;
  } catch (error) {
    if (!isFailure(error)) throw error;
    return `${error.failure.code}: ${error.failure.next}`;
  } finally {
    process.geteuid = geteuid as () => number;
  }
}

describe('an image that must be built again', () => {
  test('is built by root of this machine, and over ssh by who logs in there', () => {
    expect(refusal('root', 'rebuild')).toBeUndefined();
    expect(refusal('root', 'rebuild', 'mkinitrd', 1000)).toMatch(/^E_NOT_ROOT: run the same command as root/);
    expect(refusal('host', 'rebuild', 'mkinitrd', 1000)).toBeUndefined();
  });

  test.each(['mkinitrd', null])('and cannot be: %s', (tool) => {
    expect(refusal('root', 'refuse', tool)).toMatch(/^E_INITRAMFS_TOOL: .*give --no-initramfs/);
    // Over ssh nothing takes that option.
    expect(refusal('host', 'refuse', tool)).toMatch(
      /^E_INITRAMFS_TOOL: .*on the guest itself.* with --no-initramfs$/,
    );
  });
});
