import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { sha256 } from '../../src/hash.ts';
import { buildInitramfs } from '../../src/initramfs/build.ts';
import { modulesInInitramfs, proveInitramfs } from '../../src/initramfs/module.ts';
import { type InitramfsTool, initramfsImages } from '../../src/initramfs/tools.ts';
import { localTarget, rootTarget } from '../../src/machine/tree.ts';
import { inChroot } from '../helpers/debian-packages.ts';
import { snapshot } from '../helpers/debian-tree.ts';
import { listing } from '../helpers/listing.ts';
import { failureOf } from '../machine/temporary.ts';

const { release, package: kernelPackage, ...trees } = inject('debian');
const MODULE = `/lib/modules/${release}/kernel/drivers/message/fusion/mptscsih.ko`;
const IMAGE = `/boot/initrd.img-${release}`;
const OUTPUT = `/boot/.initrd.img-${release}.mptfix-0123456789ab.tmp`;
const WORK = '/var/tmp/mptfix-work';

function guest(tree: 'initramfsTools' | 'dracut') {
  const { root, dispose } = snapshot(trees[tree]);
  onTestFinished(dispose);
  return { root, target: rootTarget(root, { dryRun: false }), at: (path: string) => join(root, path) };
}

type Guest = ReturnType<typeof guest>;

async function toolOf({ target }: Guest): Promise<InitramfsTool> {
  const { images } = await initramfsImages(target, release);
  expect(images.map(({ path }) => path)).toEqual([IMAGE]);
  const tool = images[0]?.tool;
  if (tool === undefined) throw new Error('the guest has no tool');
  return tool;
}

/** The module with another byte in a section that is loaded, in place of the package's own. */
function replaceModule({ at }: Guest): Buffer {
  const changed = readFileSync(at(MODULE));
  changed.write('X', changed.indexOf('author=') + 'author='.length);
  rmSync(at(MODULE));
  writeFileSync(at(MODULE), changed);
  return changed;
}

async function build(one: Guest, more: Partial<Parameters<typeof buildInitramfs>[1]> = {}) {
  await one.target.mkdir(WORK, 0o700);
  try {
    return await buildInitramfs(one.target, {
      release,
      tool: await toolOf(one),
      output: OUTPUT,
      temporaryFolder: WORK,
      ...more,
    });
  } finally {
    await one.target.removeTree(WORK);
  }
}

/** The tree without the new image, and without the time that its name has given to the folder. */
function around({ root }: Guest): string[] {
  return listing(root).filter(
    (line) => !line.startsWith('boot d ') && !line.includes(OUTPUT.slice(1)) && !/^var\/tmp d /.test(line),
  );
}

/** The mounts in a tree: elsewhere others mount what they need. */
function mountsIn(root: string): readonly string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.filter((line) => line.includes(root));
}

describe.each([
  ['initramfsTools', 'initramfs-tools'],
  ['dracut', 'dracut'],
] as const)('a guest with %s', (tree, name) => {
  test('has the package’s module in its image', async () => {
    const one = guest(tree);
    expect((await toolOf(one)).name).toBe(name);
    const { module, names } = await modulesInInitramfs(one.target, IMAGE, release, 'mptscsih');
    expect(module?.moduleSha256).toBe(sha256(readFileSync(one.at(MODULE))));
    expect(names).toEqual(expect.arrayContaining(['mptbase', 'mptspi', 'mptscsih', 'sd_mod', 'ext4']));
  });

  test('gets a new image under another name that holds the replaced module, and nothing else changes', async () => {
    const one = guest(tree);
    const before = await modulesInInitramfs(one.target, IMAGE, release, 'mptscsih');
    const file = replaceModule(one);
    const all = around(one);
    const mounts = mountsIn(one.root);
    const { size } = await build(one, { modules: before.names });
    expect(size).toBeGreaterThan(1_000_000);
    expect(
      await proveInitramfs(one.target, OUTPUT, { release, name: 'mptscsih', file, before }),
    ).toMatchObject({ ok: true });
    expect(around(one)).toEqual(all);
    expect(mountsIn(one.root)).toEqual(mounts);
    const old = await proveInitramfs(one.target, IMAGE, { release, name: 'mptscsih', file });
    expect(old).toEqual({ ok: false, detail: expect.stringContaining('is another module') });
  });

  test('whose tool is stopped leaves no process and no mount', async () => {
    const one = guest(tree);
    const controller = new AbortController();
    const stopped = build(one, { signal: controller.signal });
    setTimeout(() => controller.abort(), 500);
    await expect(stopped).rejects.toThrow('abort');
    expect(readdirSync(one.at('/proc'))).toEqual([]);
    expect(existsSync(one.at(WORK))).toBe(false);
    expect(
      execFileSync('sh', [
        '-c',
        'ls -l /proc/[0-9]*/root 2>/dev/null | grep -cF -- "-> $1" || :',
        'sh',
        one.root,
      ]).toString(),
    ).toBe('0\n');
  });

  test('whose tool fails is told why, in its own words', async () => {
    const one = guest(tree);
    const tool = await toolOf(one);
    const program = (await one.target.findInside(tool.program)) ?? '';
    rmSync(one.at(program));
    writeFileSync(
      one.at(program),
      '#!/bin/sh\necho fine\necho "E: no space left" >&2\necho later >&2\nexit 4\n',
      { mode: 0o755 },
    );
    const { code, what } = await failureOf(build(one));
    expect([code, what]).toEqual([
      'E_INITRAMFS_TOOL',
      expect.stringMatching(/could not build an initramfs for .*: E: no space left$/),
    ]);
    writeFileSync(one.at(program), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    expect((await failureOf(build(one))).what).toContain('it wrote no image');
  });
});

test('dpkg finds the kernel’s package as it was shipped, until its module is replaced', async () => {
  const one = guest('initramfsTools');
  const machine = localTarget({ dryRun: false });
  const verify = () => machine.run(inChroot(one.root, ['dpkg', '-V', kernelPackage]), { effect: 'read' });
  expect([(await verify()).status, (await verify()).stdout.toString()]).toEqual([0, '']);
  replaceModule(one);
  expect((await verify()).stdout.toString()).toMatch(/^\?\?5\?+ .*\/mptscsih\.ko\n$/);
  rmSync(one.at(MODULE));
  copyFileSync(join(trees.initramfsTools, MODULE), one.at(MODULE));
  expect((await verify()).stdout.toString()).toBe('');
});
