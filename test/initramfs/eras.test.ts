import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buildInitramfs } from '../../src/initramfs/build.ts';
import { modulesInInitramfs, proveInitramfs } from '../../src/initramfs/module.ts';
import { initramfsImages } from '../../src/initramfs/tools.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { listing } from '../helpers/listing.ts';
import { failureOf, put } from '../machine/temporary.ts';
import { driverOf, ERAS, type Era, eraGuest, LOOP } from './era-guest.ts';
import { compiledModule } from './images.ts';

/** Makes the guest's image as its own tool does, as the kernel's package would have. */
async function rebuilt(root: string, era: Era) {
  const target = rootTarget(root, { dryRun: false });
  await put(root, { [`boot/${era.image}`]: 'the image that the kernel came with' });
  const { images } = await initramfsImages(target, era.release);
  const [image] = images;
  if (image?.tool === undefined) throw new Error('no tool');
  const output = `/boot/.new`;
  const { tool } = image;
  const job = { release: era.release, tool, output, temporaryFolder: '/work', modules: [] };
  return { target, tool, job, output };
}

describe.each(ERAS)('the tool of $name', (era) => {
  const driver = driverOf(era);

  test('makes an image with the driver of the tree, in the sandbox, and leaves all else as it is', async () => {
    const module = await compiledModule();
    const root = await eraGuest(era, module);
    const { target, job, output } = await rebuilt(root, era);
    const before = listing(root, { without: ['boot/.new', 'work'] }).filter(
      (line) => !line.startsWith('boot '),
    );
    await buildInitramfs(target, job);
    expect(
      listing(root, { without: ['boot/.new', 'work'] }).filter((line) => !line.startsWith('boot ')),
    ).toEqual(before);
    const found = await modulesInInitramfs(target, output, era.release, driver);
    expect([found.module?.path, found.module?.bytes.equals(module)]).toEqual([
      `${era.folder}/${driver}.ko`,
      true,
    ]);
    expect(found.names).toEqual(expect.arrayContaining(['mptbase', 'mptspi', driver]));
    expect(found.image.segments).toMatchObject([{ compression: 'gzip', format: 'newc' }]);
  });

  test('makes one with the new driver once that is in the tree, and the proof tells the two apart', async () => {
    const [old, next] = [await compiledModule(1), await compiledModule(2)];
    const root = await eraGuest(era, old);
    const { target, job, output } = await rebuilt(root, era);
    const expected = { release: era.release, name: driver };
    await buildInitramfs(target, job);
    const before = await modulesInInitramfs(target, output, era.release, driver);
    expect((await proveInitramfs(target, output, { ...expected, file: next, before })).ok).toBe(false);
    await put(root, { [`lib/modules/${era.release}/kernel/drivers/message/fusion/${driver}.ko`]: next });
    await buildInitramfs(target, { ...job, modules: before.names });
    expect(await proveInitramfs(target, output, { ...expected, file: next, before })).toMatchObject({
      ok: true,
    });
  });
});

test('RHEL 5: what the old image holds is asked for by name, whatever modprobe.conf lists', async () => {
  const [era] = ERAS;
  if (era === undefined) throw new Error('no era');
  const root = await eraGuest(era, await compiledModule());
  const { target, job, output } = await rebuilt(root, era);
  await put(root, { 'etc/modprobe.conf': '' });
  await buildInitramfs(target, { ...job, modules: ['ext3', 'mptspi'] });
  const { names } = await modulesInInitramfs(target, output, era.release, 'mptscsih');
  expect(names).toEqual(['ext3', 'mptbase', 'mptscsih', 'mptspi']);
});

test('RHEL 3: its tool finds no loop device in the sandbox, and says so; nothing is left', async () => {
  const root = await eraGuest(LOOP, await compiledModule());
  const { target, job } = await rebuilt(root, LOOP);
  const { code, what } = await failureOf(buildInitramfs(target, job));
  expect([code, what]).toEqual([
    'E_INITRAMFS_TOOL',
    expect.stringContaining('All of your loopback devices are in use.'),
  ]);
  expect(readdirSync(join(root, 'boot')).sort()).toEqual(['.keep', LOOP.image]);
  expect(readFileSync(join(root, 'boot', LOOP.image), 'utf8')).toBe('the image that the kernel came with');
});
