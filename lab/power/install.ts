// The last step of `mptfix apply`, of a module that was built elsewhere: in a guest of the lab, which has no compiler.
//   node install.mjs FOLDER-OF-mptfix-build RELEASE in-place|updates
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildResult } from '../../src/commands/build/document.ts';
import { settleInterrupted } from '../../src/commands/shared/settle.ts';
import { initramfsImages } from '../../src/initramfs/tools.ts';
import { generations } from '../../src/install/generations.ts';
import { install } from '../../src/install/install.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';
import { lockGuest, whileLocked } from '../../src/transaction/lock.ts';

const [folder = '', release = '', placement = ''] = process.argv.slice(2);
const built = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as BuildResult;
const target = localTarget({ dryRun: false });
const result = await whileLocked(lockGuest(target), async () => {
  await settleInterrupted(target, 'install');
  const { path, sha256: shipped } = built.module.replaces;
  const all = await generations(target);
  const isThere = all.some(
    ({ state, manifest }) => state === 'installed' && manifest?.module.after.sha256 === built.module.sha256,
  );
  if (isThere) return { result: 'nothing-to-do' };
  const { images } = await initramfsImages(target, release);
  const manifest = await install(target, {
    kernel: built.kernel,
    module: { name: built.module.name, path, sha256: shipped },
    bytes: await readFile(join(folder, 'mptscsih.ko')),
    placement: placement === 'updates' ? 'updates' : 'in-place',
    images: images.flatMap(({ path: image, tool }) => (tool === undefined ? [] : [{ path: image, tool }])),
    bootEntry: false,
    artifact: built.artifact,
    buildLog: await readFile(join(folder, 'build.log'), 'utf8'),
    tool: built.tool,
    warnings: [],
    progress: silentProgress,
  });
  return { result: 'patched', generation: manifest.generation };
});
process.stdout.write(`${JSON.stringify(result)}\n`);
