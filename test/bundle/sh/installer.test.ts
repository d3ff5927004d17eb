import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { generations } from '../../../src/install/generations.ts';
import { rollback } from '../../../src/install/rollback.ts';
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

test('a damaged file, another kernel and another module are refused, and nothing changes', {
  timeout: 240_000,
}, async () => {
  const guest = await oldGuest(RHEL_5, ['bash', '--posix']);
  const file = join(guest.root, 'bundle.run');
  const whole = readFileSync(file);
  const refused = (status: number, code: string): void => {
    const before = guest.all();
    const { stdout, status: ended } = guest.run('apply', '--yes', '--json');
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect([ended, JSON.parse(stdout).error.code]).toEqual([status, code]);
    expect(guest.all()).toEqual(before);
  };
  const changed = Buffer.from(whole);
  changed[whole.length - 2000] = (changed[whole.length - 2000] ?? 0) ^ 1;
  // This guest has no program for a hash: what stands before the payload is held against its sum.
  const head = ['say whether this is', '# With the answer of', "SELF_CKSUM='", '\n\n\n'].map((words) => {
    const bytes = Buffer.from(whole);
    const at = bytes.indexOf(words) + words.length;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  });
  for (const bytes of [
    changed,
    ...head,
    whole.subarray(0, -512),
    Buffer.concat([whole, Buffer.alloc(512)]),
  ]) {
    writeFileSync(file, bytes);
    refused(4, 'E_ARCHIVE_TRUNCATED');
  }
  writeFileSync(file, whole);
  const uname = readFileSync(join(guest.root, 'bin/uname'), 'utf8');
  writeFileSync(join(guest.root, 'bin/uname'), uname.replace(RHEL_5.release, '2.6.18-8.el5'));
  refused(3, 'E_KERNEL_UNKNOWN');
  writeFileSync(join(guest.root, 'bin/uname'), uname.replace('i686', 'ppc64'));
  refused(3, 'E_ARCH_UNSUPPORTED');
  writeFileSync(join(guest.root, 'bin/uname'), uname);
  writeFileSync(join(guest.root, guest.modulePath), 'of somebody else');
  expect(guest.run('check').status).toBe(11);
  refused(3, 'E_FILE_CHANGED');
});

test('mptfix puts back what the bundle installed, and the bundle knows that it did', {
  timeout: 240_000,
}, async () => {
  const guest = await oldGuest(RHEL_5, ['bash', '--posix']);
  const before = guest.all();
  expect(guest.run('apply', '--yes').status).toBe(0);
  const target = rootTarget(guest.root, { dryRun: false });
  const [generation] = await generations(target);
  if (generation === undefined) throw new Error('there is no generation');
  expect(await rollback(target, generation)).toMatchObject({ left: [], index: 'restored' });
  expect(guest.all()).toEqual(before);
  expect(guest.run('status').stdout).toContain('generation 1: rolled-back');
});
