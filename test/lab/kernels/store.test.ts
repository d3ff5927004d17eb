import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readyKernel } from '../../../lab/kernels/store.ts';
import { KERNELS, type LabKernel } from '../../../lab/kernels/table.ts';
import type { Lab } from '../../../lab/part.ts';
import { openWorkspace } from '../../../src/work/workspace.ts';
import { temporary } from '../../machine/temporary.ts';

const [KERNEL] = KERNELS as readonly [LabKernel];
const MADE = {
  format: 1,
  release: '5.10.0-46-amd64',
  packageVersion: '5.10.257-1',
  affected: 'AAAA',
  patched: 'BBBB',
  module: 'mptscsih.ko',
  date: '2026-11-27T20:00:00.000Z',
};

/** A lab in which nothing can be built but by mmdebstrap. */
async function labOf(base: string): Promise<Lab> {
  const workspace = await openWorkspace(base);
  onTestFinished(() => workspace.dispose());
  const nothing = () => Promise.reject(new Error('nothing is built here'));
  return { base, workspace, demo: nothing, mptfix: nothing, signal: new AbortController().signal };
}

function keep(store: string, text: string): string {
  const folder = join(store, KERNEL.name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'kernel.json'), text);
  return folder;
}

describe('a kernel of the lab', () => {
  it('that is in the store is not made again', async () => {
    const store = await temporary();
    const folder = keep(store, JSON.stringify(MADE));
    expect(await readyKernel(await labOf(store), store, KERNEL)).toEqual({
      ...MADE,
      guest: join(folder, 'guest'),
      vmlinuz: join(folder, 'guest/boot/vmlinuz-5.10.0-46-amd64'),
      patchedModule: join(folder, 'mptscsih.ko'),
      busybox: undefined,
      qemu: 'x86_64',
    });
  });

  // No archive has that release, and where there is no network nothing has any.
  const nowhere = { ...KERNEL, codename: 'no-such-release' };

  it('whose packages cannot be had is an error that says so, and leaves nothing that looks like one', async () => {
    const store = await temporary();
    const lab = await labOf(store);
    const made = () => readyKernel(lab, store, nowhere);
    // With a network, what the archive lacks; without, that it cannot be reached: never what mmdebstrap says of itself.
    await expect(made()).rejects.toThrow(
      /^cannot make a guest of Debian no-such-release: (?!.*mmdebstrap).*http/,
    );
    expect(readdirSync(join(store, KERNEL.name))).toEqual([]);
    await expect(made()).rejects.toThrow('cannot make a guest of Debian no-such-release: ');
  }, 120_000);

  it.each([
    ['cut short', JSON.stringify(MADE).slice(0, 60)],
    ['of another format', JSON.stringify({ ...MADE, format: 2 })],
  ])(
    'whose file is %s is thrown away and made anew',
    async (_, text) => {
      const store = await temporary();
      const folder = keep(store, text);
      writeFileSync(join(folder, 'mptscsih.ko'), 'old');
      await expect(readyKernel(await labOf(store), store, nowhere)).rejects.toThrow('cannot make a guest');
      expect(existsSync(join(folder, 'mptscsih.ko'))).toBe(false);
    },
    120_000,
  );
});
