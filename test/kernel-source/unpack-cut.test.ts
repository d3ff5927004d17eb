import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isFailure } from '../../src/errors.ts';
import { unsafeEntry } from '../../src/kernel-source/tar-collector.ts';
import { unpackDriver } from '../../src/kernel-source/unpack.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';

const machine = localTarget({ dryRun: true });
let work = '';

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'mptfix-cut-'));
  for (const [name, text] of [
    ['linux/drivers/message/fusion/mptscsih.c', 'int x;\n'],
    ['linux/virt/Makefile', 'obj-y := kvm/\n'],
    ['linux/Makefile', `VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 7\n${'#'.repeat(9000)}\n`],
  ] as const) {
    mkdirSync(dirname(join(work, name)), { recursive: true });
    writeFileSync(join(work, name), text);
  }
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

test('a plain tar that is cut behind the driver is told as cut', async () => {
  const whole = join(work, 'whole.tar');
  execFileSync('tar', ['-C', work, '-cf', whole, 'linux/drivers', 'linux/Makefile']);
  const cut = join(work, 'cut.tar');
  writeFileSync(cut, readFileSync(whole).subarray(0, 7000));
  const code = await unpackDriver(machine, cut, { progress: silentProgress }).then(
    () => 'unpacked',
    (error: unknown) => (isFailure(error) ? error.failure.code : String(error)),
  );
  expect(code).toBe('E_ARCHIVE_TRUNCATED');
});

test('in a tarball without a leading folder, the Makefile with a version is the top one', async () => {
  const flat = join(work, 'flat.tar');
  execFileSync('tar', ['-C', join(work, 'linux'), '-cf', flat, 'Makefile', 'drivers', 'virt']);
  const { makefile } = await unpackDriver(machine, flat, { progress: silentProgress });
  expect(makefile).toMatch(/^VERSION = 6$/m);
});

test('a name that ends in .. is refused too', () => {
  expect(unsafeEntry('x.tar', { path: 'fusion/..', type: 'File' })).toBeInstanceOf(Error);
});
