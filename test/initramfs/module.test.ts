import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 as sha256Of } from '../../src/hash.ts';
import {
  type ExpectedModule,
  moduleInInitramfs,
  modulesInInitramfs,
  proveInitramfs,
} from '../../src/initramfs/module.ts';
import { failureOf, put, sh, temporary } from '../machine/temporary.ts';
import { archive, compiledModule, content, FOLDER, MODULE, machine, RELEASE, through } from './images.ts';

async function stored(image: Buffer): Promise<string> {
  return join(await temporary({ image }), 'image');
}

const SUFFIXES = {
  '.gz': ['gzip', '-9nc'],
  '.xz': ['xz', '-c', '--check=crc32'],
  '.zst': ['zstd', '-qc'],
} as const;

describe('a module in an image', () => {
  test('is found with the hash of its file and of its bytes', async () => {
    const { folder, sha256 } = await content();
    const path = await stored(archive(folder));
    expect(await moduleInInitramfs(machine, path, RELEASE, 'mptscsih')).toEqual({
      path: MODULE,
      sha256,
      moduleSha256: sha256,
    });
    expect(await moduleInInitramfs(machine, path, RELEASE, 'mptsas')).toBe('absent');
    expect(await moduleInInitramfs(machine, path, '6.1.0-8-amd64', 'mptscsih')).toBe('absent');
  });

  test.each(Object.entries(SUFFIXES))('is unpacked where it is stored as %s', async (suffix, packer) => {
    const { folder, module, sha256 } = await content();
    const packed = await through(module, packer);
    rmSync(join(folder, MODULE));
    await put(folder, { [`${MODULE}${suffix}`]: packed });
    const path = await stored(archive(folder));
    expect(await moduleInInitramfs(machine, path, RELEASE, 'mptscsih')).toEqual({
      path: `${MODULE}${suffix}`,
      sha256: sha256Of(packed),
      moduleSha256: sha256,
    });
  });

  test('lies in /lib where Red Hat’s mkinitrd puts it', async () => {
    const module = await compiledModule();
    const folder = await temporary({ 'lib/mptscsih.ko': module, 'bin/nash': 'x', init: 'x' });
    const path = await stored(await through(archive(folder), ['gzip', '-9c']));
    const {
      module: found,
      names,
      programs,
    } = await modulesInInitramfs(machine, path, '2.6.18-8.el5', 'mptscsih');
    expect([found?.path, names, programs]).toEqual(['lib/mptscsih.ko', ['mptscsih'], ['init', 'nash']]);
  });

  test('is the one that the image’s own index gives, where it has two', async () => {
    const { folder } = await content();
    const updates = `usr/lib/modules/${RELEASE}/updates/mptscsih.ko`;
    await put(folder, { [updates]: await compiledModule(2) });
    writeFileSync(join(folder, `usr/lib/modules/${RELEASE}/modules.dep`), 'updates/mptscsih.ko:\n');
    const found = await modulesInInitramfs(machine, await stored(archive(folder)), RELEASE, 'mptscsih');
    expect([found.module?.path, found.copies.length]).toEqual([updates, 2]);
  });

  test('that is none is refused', async () => {
    const folder = await temporary({ [MODULE]: 'no module' });
    const path = await stored(archive(folder));
    expect((await failureOf(moduleInInitramfs(machine, path, RELEASE, 'mptscsih'))).code).toBe(
      'E_CANNOT_DECIDE',
    );
  });
});

async function prove(image: Buffer, file: Buffer, before?: ExpectedModule['before']) {
  const expected = { release: RELEASE, name: 'mptscsih', file, ...(before === undefined ? {} : { before }) };
  return proveInitramfs(machine, await stored(image), expected);
}

describe('the proof of an image', () => {
  test('holds for the same file, and for the same module packed otherwise', async () => {
    const { folder, module, sha256 } = await content();
    const image = archive(folder);
    expect(await prove(image, module)).toMatchObject({
      ok: true,
      detail: expect.stringContaining(`the same file, sha256 ${sha256}`),
    });
    const packed = await through(module, SUFFIXES['.xz']);
    expect(await prove(image, packed)).toMatchObject({
      ok: true,
      detail: expect.stringContaining('the same module, sha256'),
    });
  });

  test('holds for a stripped module, and for no other', async () => {
    const { folder, module } = await content();
    sh('strip -g "$1"', join(folder, MODULE));
    const stripped = readFileSync(join(folder, MODULE));
    expect(stripped.length).toBeLessThan(module.length);
    expect(await prove(archive(folder), module)).toMatchObject({
      ok: true,
      detail: expect.stringContaining('stripped'),
    });
    expect(await prove(archive(folder), await compiledModule(2))).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/is another module: sha256 [0-9a-f]{64}, not [0-9a-f]{64}/),
    });
  });

  test('fails where the module is missing, or an old one is beside it', async () => {
    const { folder, module } = await content();
    await put(folder, { [`usr/lib/modules/${RELEASE}/updates/mptscsih.ko`]: await compiledModule(2) });
    expect(await prove(archive(folder), module)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('updates/mptscsih.ko'),
    });
    const empty = await temporary({ init: 'x' });
    expect(await prove(archive(empty), module)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('has no mptscsih'),
    });
  });

  test('fails where the new image has lost a module or a program of the old one', async () => {
    const { folder, module } = await content();
    const before = await modulesInInitramfs(machine, await stored(archive(folder)), RELEASE, 'mptscsih');
    expect([before.names, before.programs]).toEqual([
      ['mptbase', 'mptscsih'],
      ['init', 'mount'],
    ]);
    expect((await prove(archive(folder), module, before)).ok).toBe(true);
    rmSync(join(folder, FOLDER, 'mptbase.ko'));
    rmSync(join(folder, 'usr/bin/mount'));
    expect(await prove(archive(folder), module, before)).toEqual({
      ok: false,
      detail: expect.stringContaining('lacks files that the old image has: module mptbase, program mount'),
    });
  });
});
