import { describe, expect, test } from 'vitest';
import { generations } from '../../../src/install/generations.ts';
import { rootTarget } from '../../../src/machine/tree.ts';
import { ERAS } from '../../initramfs/era-guest.ts';
import { imageHolds, oldGuest, SHELLS, text } from '../old-guest.ts';

const RHEL_5 = ERAS[0] as (typeof ERAS)[number];

describe.each(SHELLS)('under %s', (_, shell) => {
  test('check, apply, status and rollback', { timeout: 240_000 }, async () => {
    const guest = await oldGuest(RHEL_5, shell);
    const before = guest.all();
    expect(guest.run('check')).toMatchObject({ status: 10, stderr: '' });
    expect(guest.all()).toEqual(before);
    const applied = guest.run('apply', '--yes');
    expect(applied, applied.stdout + applied.stderr).toMatchObject({ status: 0, stderr: '' });
    expect(await text(guest, guest.modulePath)).toBe(String(guest.content.bytes));
    expect(await imageHolds(guest, guest.content.bytes)).toBe(true);
    expect(guest.run('check').status).toBe(0);
    expect(guest.run('status').stdout).toContain('generation 1 is installed');
    const [generation] = await generations(rootTarget(guest.root, { dryRun: true }));
    expect(generation).toMatchObject({ number: 1, state: 'installed', kernel: RHEL_5.release });
    const undone = guest.run('rollback', '--yes');
    expect(undone, undone.stdout + undone.stderr).toMatchObject({ status: 0, stderr: '' });
    expect(guest.all()).toEqual(before);
  });
});
