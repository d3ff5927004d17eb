import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { kernelFacts } from '../../src/guest/kernel.ts';
import { localTarget, rootTarget } from '../../src/machine/tree.ts';
import { type Entries, failureOf, temporary } from '../machine/temporary.ts';

const open = async (entries: Entries) => rootTarget(await temporary(entries), { dryRun: true });
const running = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();

const STATUS = `Package: linux-image-6.1.0-9-amd64
Status: install ok installed
Version: 6.1.27-1
`;

describe('of a guest’s tree', () => {
  test('the only kernel is the one, with what its package tells of its version', async () => {
    const target = await open({
      'lib/modules/6.1.0-9-amd64/modules.dep': '',
      'var/lib/dpkg/status': STATUS,
    });
    expect(await kernelFacts(target, undefined)).toEqual({
      release: '6.1.0-9-amd64',
      base: '6.1.27',
      packageVersion: '6.1.27-1',
      running: null,
    });
  });

  test('without a package the release tells what it can', async () => {
    const target = await open({ 'lib/modules/2.6.18-8.el5/modules.dep': '' });
    expect(await kernelFacts(target, undefined)).toMatchObject({ base: '2.6.18', packageVersion: undefined });
  });

  test('a kernel that is named is taken, if the guest has it: by its modules, or in /boot', async () => {
    const target = await open({
      'lib/modules/6.1.0-9-amd64/modules.dep': '',
      'lib/modules/5.10.0-1-amd64/modules.dep': '',
      'boot/vmlinuz-2.6.18-custom': '',
    });
    for (const release of ['5.10.0-1-amd64', '2.6.18-custom'])
      expect((await kernelFacts(target, release)).release).toBe(release);
  });

  test('one that the guest has not is E_KERNEL_UNKNOWN, with those that it has', async () => {
    const target = await open({
      'lib/modules/6.1.0-9-amd64/modules.dep': '',
      'boot/vmlinuz-5.10.0-1-amd64': '',
    });
    const { code, what, next } = await failureOf(kernelFacts(target, '6.1.0-8-amd64'));
    expect([code, next]).toEqual(['E_KERNEL_UNKNOWN', 'give --kernel one of these']);
    expect(what).toContain('has no kernel 6.1.0-8-amd64; it has 5.10.0-1-amd64, 6.1.0-9-amd64');
    expect((await failureOf(kernelFacts(await open({}), '6.1.0-8-amd64'))).next).toContain('--root');
  });

  test('without modules the only kernel in /boot is the one', async () => {
    const target = await open({ 'boot/vmlinuz-2.4.37-static': '', 'boot/System.map-2.4.37-static': '' });
    expect((await kernelFacts(target, undefined)).release).toBe('2.4.37-static');
  });

  test('the controller’s own kernel is never taken for it, also where the tree shows /proc', async () => {
    const target = await open({
      'lib/modules/2.6.9-42.EL/modules.dep': '',
      'proc/sys/kernel/osrelease': `${running}\n`,
    });
    expect(await kernelFacts(target, undefined)).toMatchObject({ release: '2.6.9-42.EL', running: null });
  });

  test('two kernels are E_KERNEL_AMBIGUOUS, and both are named', async () => {
    const target = await open({ 'lib/modules/6.1.0-9-amd64/x': '', 'lib/modules/5.10.0-1-amd64/x': '' });
    const { code, what } = await failureOf(kernelFacts(target, undefined));
    expect([code, what]).toEqual([
      'E_KERNEL_AMBIGUOUS',
      expect.stringContaining('5.10.0-1-amd64, 6.1.0-9-amd64'),
    ]);
  });

  test('a folder with another name is said to be no kernel', async () => {
    const target = await open({ 'lib/modules/--outdir=x/x': '' });
    const { code, what } = await failureOf(kernelFacts(target, undefined));
    expect([code, what]).toEqual([
      'E_KERNEL_UNKNOWN',
      expect.stringContaining('"--outdir=x" is no kernel release'),
    ]);
  });

  test('no kernel is E_KERNEL_UNKNOWN', async () => {
    for (const entries of [{}, { 'lib/modules/file': 'x' }, { 'lib/modules/.hidden/x': '' }])
      expect((await failureOf(kernelFacts(await open(entries), undefined))).code).toBe('E_KERNEL_UNKNOWN');
  });
});

test.each(['../../etc', '/etc', '', '6.1 x', '-rf', '6.1\n', '6.1/x', '$(id)', 'x'.repeat(200)])(
  'the release %j never becomes a part of a path or an argument',
  async (release) => {
    const { code, what } = await failureOf(kernelFacts(await open({}), release));
    expect([code, what.length < 200]).toEqual(['E_KERNEL_UNKNOWN', true]);
  },
);

describe('on this machine', () => {
  const machine = localTarget({ dryRun: true });

  test('the running kernel is the one', async () => {
    expect(await kernelFacts(machine, undefined)).toMatchObject({ release: running, running: true });
  });

  test('one that is not here is refused', async () => {
    const { code, what } = await failureOf(kernelFacts(machine, '2.6.18-8.el5'));
    // It may run from a container, where no file is of it.
    expect([code, what.includes(running)]).toEqual(['E_KERNEL_UNKNOWN', true]);
  });
});
